import { Duration } from 'aws-cdk-lib';
import { Choice, Condition, type IChainable, type State, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
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

/** What it means, and what a person does about it. */
export const ANYBODY = 'then whoever reaches the cluster may read and write everything.';
export const BY_HAND = 'Run "etcdctl auth enable" on it now.';
/** JSONata: what is behind the cluster in what such a page is about. */
export const AUTHENTICATION = "'/authentication'";

/** Each try has some three minutes of retries of its own. */
const BETWEEN_TRIES = Duration.seconds(30);

/**
 * Enables authentication where it was disabled for a cure, and does not give up: it tries again for as long as the execution may last, and
 * calls a person meanwhile.
 *
 * Reads the variables `cluster` and `toggled`, and sets `enabled`: what the step has found and done. Where it looks again, what it did at an
 * earlier look is kept in `enabledBefore`, which is null at first; and in `paged`, which is false at first, that a person was called.
 */
export function enableAuthenticationAgain(
  scope: Construct,
  { step, pages, endOf, certain }: EnableAuthenticationProps,
): State {
  const about = { cluster: '$cluster.name', aspect: AUTHENTICATION, execution: '$states.context.Execution.Id' };
  const page = pages.page(scope, 'Page that authentication may be disabled', {
    // The loop comes by again.
    tries: false,
    subject: "'CRITICAL: authentication of the etcd cluster ' & $cluster.name & ' may be disabled'",
    kind: 'authentication-disabled',
    severity: 'critical',
    ...about,
    parts: [
      { says: `'Authentication of ' & $cluster.name & ' may be disabled: ${ANYBODY}'`, most: 300 },
      { says: `'${BY_HAND}'`, most: 200 },
      { says: "'This workflow tries again and again, and could not: ' & $states.input.cause", most: 400 },
    ],
    assign: { paged: '{% true %}' },
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
  const isOver = pages.page(scope, 'Page that authentication is enabled', {
    comment: 'To whoever was called before',
    subject: "'RESOLVED: authentication of the etcd cluster ' & $cluster.name & ' is enabled'",
    kind: 'resolved',
    resolves: true,
    severity: 'info',
    ...about,
    parts: [{ says: "'Authentication of ' & $cluster.name & ' is enabled. ' & $enabled.summary", most: 500 }],
    passOn: true,
  });
  isOver.addCatch(certain, { outputs: '{% $states.input %}' });
  isOver.next(certain);
  const last = '{% $enabled.changed or $enabledBefore = null ? $enabled : $enabledBefore %}';
  const couldAStepStillDisableIt = Choice.jsonata(scope, 'Could a step still disable it?')
    .when(Condition.jsonata('{% $enabled.lookAgainSeconds > 0 %}'), lookAgain.next(enable), {
      assign: { enabledBefore: '{% $enabled.changed ? $enabled : $enabledBefore %}' },
    })
    .when(Condition.jsonata('{% $paged %}'), isOver, {
      assign: { enabled: last, enabledBefore: null, paged: false },
    })
    .when(Condition.jsonata('{% $enabledBefore != null %}'), certain, {
      assign: { enabled: '{% $enabled.changed ? $enabled : $enabledBefore %}', enabledBefore: null },
    })
    .otherwise(certain);
  enable.next(couldAStepStillDisableIt);
  return enable;
}
