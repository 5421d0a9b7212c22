import { Choice, Condition, type IChainable, type State, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Pages } from '../../pages.ts';
import type { Step } from '../../step-function.ts';
import { ERROR, stepState } from './step-state.ts';

export interface EnableAuthenticationProps {
  step: Step;
  pages: Pages;
  /** JSONata: the name of the execution that ends with it; empty where none does. */
  endOf: string;
  /** Once it is certain that no execution of the runbook leaves authentication disabled. */
  certain: IChainable;
}

/** Each try has some three minutes of retries of its own. */
const BETWEEN_TRIES = Duration.seconds(30);

/**
 * Enables authentication where it was disabled for a cure, and does not give up: it tries again for as long as the execution may last, and
 * calls a person meanwhile.
 *
 * Reads the variables `cluster` and `toggled`, and sets `enabled`: what the step has found and done. Where it looks again, what it did at an
 * earlier look is kept in `enabledBefore`, which is null at first.
 */
export function enableAuthenticationAgain(
  scope: Construct,
  { step, pages, endOf, certain }: EnableAuthenticationProps,
): State {
  const page = pages.page(scope, 'Page that authentication may be disabled', {
    // The loop comes by again.
    tries: false,
    subject: "'CRITICAL: authentication of the etcd cluster ' & $cluster.name & ' may be disabled'",
    message:
      "{% 'Authentication of the etcd cluster ' & $cluster.name & ' may be disabled: then whoever reaches the cluster may read and write " +
      'everything. Run "etcdctl auth enable" on it now. This workflow tries again and again, and could not: \' & $states.input.cause %}',
  });
  const wait = Wait.jsonata(scope, 'Wait before enabling it again', { time: WaitTime.duration(BETWEEN_TRIES) });
  const enable = stepState(scope, 'Enable authentication', {
    step,
    input: { cluster: '{% $cluster %}', endOf, toggled: '{% $toggled %}' },
    assign: { enabled: '{% $states.result.Payload %}' },
    onError: page,
  });
  page.addCatch(wait, { outputs: ERROR });
  page.next(wait).next(enable);
  const lookAgain = Wait.jsonata(scope, 'Wait until no step can disable it', {
    time: WaitTime.seconds('{% $enabled.lookAgainSeconds %}'),
  });
  const couldAStepStillDisableIt = Choice.jsonata(scope, 'Could a step still disable it?')
    .when(Condition.jsonata('{% $enabled.lookAgainSeconds > 0 %}'), lookAgain.next(enable), {
      assign: { enabledBefore: '{% $enabled.changed ? $enabled : $enabledBefore %}' },
    })
    .when(Condition.jsonata('{% $enabledBefore != null %}'), certain, {
      assign: { enabled: '{% $enabled.changed ? $enabled : $enabledBefore %}', enabledBefore: null },
    })
    .otherwise(certain);
  enable.next(couldAStepStillDisableIt);
  return enable;
}
