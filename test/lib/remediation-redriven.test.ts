import { expect, it } from 'vitest';
import { RUNBOOKS } from '../../core/runbooks.ts';
import type { TaskState } from '../../local/asl/definition.ts';
import { evaluateTemplate } from '../../local/asl/expressions.ts';
import type { JsonValue } from '../../local/asl/json.ts';
import { definitionOf, ENTRY, FLEET, synthesizeStacks } from './stacks.ts';

/** Step Functions alone redrives executions, so what a redriven one would evaluate is evaluated by itself. */
const definition = definitionOf(synthesizeStacks(FLEET), ENTRY);

function evaluate(template: JsonValue, Execution: object, more: object = {}): Promise<JsonValue> {
  const states = { context: { Execution }, ...more };
  return evaluateTemplate(template, { states, variables: { runbookExecution: 'run-1-next' }, functions: {} }, 'here');
}

it.each(Object.values(RUNBOOKS).map(({ runbook }) => runbook))(
  'a redriven remediation does not run %s: it has no lock any more',
  async (runbook) => {
    const { Arguments, Catch } = definition.States[`Run ${runbook}`] as TaskState;
    const { Name } = Arguments as { Name: string };
    expect(await evaluate(Name, {})).toBe('run-1-next');
    expect(await evaluate(Name, { RedriveCount: 0 })).toBe('run-1-next');
    await expect(evaluate(Name, { RedriveCount: 1 })).rejects.toThrow('Start a new remediation.');

    const errorOutput = { Error: 'States.QueryEvaluationError', Cause: 'It failed.' };
    const output = Catch?.at(-1)?.Output ?? {};
    expect(await evaluate(output, { RedriveCount: 1 }, { errorOutput })).toEqual({
      error: 'UnsafeToProceed',
      cause:
        'This execution was redriven. It has no lock any more, and what it has seen is old: no runbook was run. Start a new remediation.',
    });
  },
);
