import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { InvalidInput } from '../core/errors.ts';
import { invocationSchema } from '../core/remediation/invocation.ts';
import type { Summarized } from '../core/runbook/summary.ts';
import { parse } from '../core/text/parse.ts';

type Step = (input: unknown, context: Context) => Promise<Summarized>;
/** Loads the module of a step: what the other steps of a function need would only delay its first answer. */
type StepModule = () => Promise<{ handler: Step }>;

/** What of a step's output says what it saw and decided. The rest stays out of the log: it is long, and a URL in it may be a secret. */
const LOGGED = ['action', 'outcome', 'member', 'summary', 'status', 'incident'];

/**
 * The handler of a function that runs these steps. Runs the one that the event names, and logs one line about it: the cluster,
 * the execution, the result and the duration. An error goes through as it is.
 * @throws InvalidInput where the event is no invocation of a step of this function
 */
export function handlerOf(steps: Readonly<Record<string, StepModule>>): Step {
  const logger = new Logger({ serviceName: 'etcd-remediation' });
  return async (event, context) => {
    const { step, execution, input } = parse(invocationSchema, event, 'The invocation');
    const load = Object.hasOwn(steps, step) ? steps[step] : undefined;
    if (!load)
      throw new InvalidInput(`This function does not run the step "${step}", but ${Object.keys(steps).join(', ')}.`);
    const begun = performance.now();
    const about = (output?: unknown) => ({
      step,
      cluster: clusterOf(input) ?? clusterOf(output),
      execution,
      requestId: context.awsRequestId,
      durationMs: Math.round(performance.now() - begun),
    });
    try {
      const { handler } = await load();
      const output = await handler(input, context);
      logger.info('The step has ended.', { ...about(output), result: loggedOf(output) });
      return output;
    } catch (error) {
      const { name, message } = error as Error;
      logger.warn('The step ended with an error.', { ...about(), error: name, problem: message });
      throw error;
    }
  };
}

/** A cluster's name, in whichever of the ways an input or an output has it. */
function clusterOf(value: unknown): string | undefined {
  const { cluster } = Object(value) as { cluster?: unknown };
  if (typeof cluster === 'string') return cluster;
  const { name } = Object(cluster) as { name?: unknown };
  return typeof name === 'string' ? name : undefined;
}

function loggedOf(output: unknown): Record<string, unknown> {
  const fields = Object.entries(Object(output) as object);
  return Object.fromEntries(fields.filter(([key, value]) => LOGGED.includes(key) && typeof value === 'string'));
}
