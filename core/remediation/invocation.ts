import * as z from 'zod';

/** What a Lambda function that runs steps is given: one function has one set of permissions, and runs every step that needs no more. */
export const invocationSchema = z.strictObject({
  /** The step's file name in `lambdas/steps`. */
  step: z.string(),
  /** The execution that runs it, for the log; a look by itself has none. */
  execution: z.string().optional(),
  input: z.unknown(),
});
export type Invocation = z.output<typeof invocationSchema>;

/** A look by itself, of no execution. */
export function invocationOf(step: string, input: unknown): Invocation {
  return { step, input };
}
