import * as z from 'zod';
import { AwsError } from './aws-error.ts';

const parameterSchema = z.strictObject({
  type: z.literal('String'),
  description: z.string().optional(),
  default: z.string().optional(),
  allowedPattern: z.string().optional(),
  allowedValues: z.array(z.string()).optional(),
  maxChars: z.int().optional(),
});

/** What the embedded platform knows of SSM's documents: one script for Linux. */
const contentSchema = z.strictObject({
  schemaVersion: z.literal('2.2'),
  description: z.string().optional(),
  parameters: z.record(z.string().regex(/^[a-zA-Z0-9]+$/), parameterSchema).default({}),
  mainSteps: z.tuple([
    z.strictObject({
      action: z.literal('aws:runShellScript'),
      name: z.string(),
      precondition: z.strictObject({ StringEquals: z.tuple([z.literal('platformType'), z.literal('Linux')]) }),
      inputs: z.strictObject({
        timeoutSeconds: z.string().regex(/^[1-9]\d*$/),
        runCommand: z.array(z.string()),
      }),
    }),
  ]),
});

/** A command document as it was deployed. */
export interface CommandDocument {
  parameters: Readonly<Record<string, z.output<typeof parameterSchema>>>;
  stepName: string;
  /** What one run may take on the host. */
  timeoutSeconds: number;
  lines: readonly string[];
}

/** @throws for a content that the embedded platform could not run as SSM does */
export function readDocument(name: string, content: unknown): CommandDocument {
  const result = contentSchema.safeParse(content);
  if (!result.success) {
    throw new Error(`The embedded platform cannot run the document ${name}: ${z.prettifyError(result.error)}`);
  }
  const { parameters, mainSteps } = result.data;
  const [{ name: stepName, inputs }] = mainSteps;
  return { parameters, stepName, timeoutSeconds: Number(inputs.timeoutSeconds), lines: inputs.runCommand };
}

/**
 * The script with its parameters in their places.
 * @param given as SendCommand takes them: a list of one text for each
 * @throws AwsError `InvalidParameters`
 */
export function renderScript(
  { parameters, lines }: CommandDocument,
  given: Readonly<Record<string, readonly string[]>>,
): string {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(parameters, name)) refuse(`The document has no parameter ${name}.`);
  }
  const values = new Map(
    Object.entries(parameters).map(([name, parameter]): [string, string] => [
      name,
      textOf(name, parameter, Object.hasOwn(given, name) ? given[name] : undefined),
    ]),
  );
  // In one pass, so that a value is never looked through for parameters.
  return lines
    .map((line) => line.replaceAll(/\{\{\s*([a-zA-Z0-9]+)\s*\}\}/g, (text, name) => values.get(name) ?? text))
    .join('\n');
}

function textOf(
  name: string,
  { default: byDefault, allowedPattern, allowedValues, maxChars }: z.output<typeof parameterSchema>,
  given: readonly string[] | undefined,
): string {
  const [value, ...others] = given ?? (byDefault === undefined ? [] : [byDefault]);
  if (value === undefined) return refuse(`The parameter ${name} is required.`);
  if (others.length > 0) refuse(`The parameter ${name} takes one value.`);
  if (maxChars !== undefined && value.length > maxChars) {
    refuse(`The parameter ${name} takes at most ${maxChars} characters.`);
  }
  if (allowedValues && !allowedValues.includes(value)) {
    refuse(`The parameter ${name} must be one of: ${allowedValues.join(', ')}.`);
  }
  if (allowedPattern !== undefined && !new RegExp(`^(?:${allowedPattern})$`).test(value)) {
    refuse(`The parameter ${name} must match ${allowedPattern}.`);
  }
  return value;
}

function refuse(message: string): never {
  throw new AwsError('InvalidParameters', message);
}
