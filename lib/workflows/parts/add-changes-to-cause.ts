import { type Fail, Pass } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

export const NOTHING_TO_UNDO = 'Nothing of this has to be undone: the next execution goes on from here.';

/**
 * An error that stops a runbook says what was changed before it, where anything was.
 * @param changes JSONata: a list of texts, each a change: `m1 was defragmented`; @param now what is left to say then
 */
export function addChangesToCause(
  scope: Construct,
  { changes, now }: { changes: string; now: string },
  stop: Fail,
): Pass {
  const explain = Pass.jsonata(scope, 'Explain what was changed', {
    outputs: {
      error: '{% $states.input.error %}',
      cause: `{% ($before := ${changes}; $states.input.cause & ($count($before) = 0 ? '' : '\\nBefore this: ' & $join($before, '; ') & '. ${now}')) %}`,
    },
  });
  explain.next(stop);
  return explain;
}
