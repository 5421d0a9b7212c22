import { Choice, Condition, type Fail, Pass } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../../step-function.ts';
import { REPORTS, reportFromEveryHost, shortProblems } from '../on-every-host.ts';
import { stepState } from '../step-state.ts';

/** The ways out of a recovery whose members have not been started. Each takes `{error, cause}`, and ends with that error. */
export interface WaysOut {
  /** Only scratch folders were made. */
  untouched: Pass;
  /** Services may have been stopped, data moved, and the membership written: on each host another part of it. */
  moved: Pass;
}

/**
 * Every data dir goes back to its place, the services that ran before run again, and what was made on the hosts and in the staging bucket
 * is removed. A host on which one of these fails does not keep the others from it.
 *
 * A host whose data could not be moved back keeps its mark in its scratch folder, and so do the others. So the next execution
 * knows that not all data was placed, and moves the rest back. Nothing is started on such a host.
 *
 * Reads the variables `plan`, `discard`, `written`, `unsure`, `launched` and `launchFailed`; `staged`, whose key is empty as long as nothing was staged.
 */
export function undoRecovery(
  scope: Construct,
  { runHostCommands, stageSnapshot }: { runHostCommands: Step; stageSnapshot: Step },
  stop: Fail,
): WaysOut {
  const explain = Pass.jsonata(scope, 'Explain what was undone', {
    outputs: {
      error: '{% $failure.error %}',
      cause: `{% $join($filter([$failure.cause, $undone, ${CONFIGURED}, '${STILL_LOST}'], function($text) { $text != '' }), '\\n') %}`,
    },
  });
  explain.next(stop);
  const discardUpload = stepState(scope, 'Discard upload', {
    step: stageSnapshot,
    input: { action: 'Discard', key: '{% $staged.key %}', uploadId: '{% $staged.uploadId %}' },
    onError: explain,
  });
  const wasASnapshotStaged = Choice.jsonata(scope, 'Was a snapshot staged?')
    .when(Condition.jsonata("{% $staged.key != '' %}"), discardUpload.next(explain))
    .otherwise(explain);
  const discard = reportFromEveryHost(scope, 'Discard scratch folders', {
    step: runHostCommands,
    command: 'mark-recovery',
    commands: '$discard',
    assign: { undone: undoneSoFar("''", 'Scratch folders are left, which hold copies of the data:') },
    onError: wasASnapshotStaged,
    caught: { assign: { undone: unknown('whether scratch folders are left, which hold copies of the data.') } },
  }).next(wasASnapshotStaged);
  const isAllDataBack = Choice.jsonata(scope, 'Is all data back?')
    .when(Condition.jsonata('{% $count($unreverted) > 0 %}'), wasASnapshotStaged)
    .otherwise(discard);
  const startAgain = reportFromEveryHost(scope, 'Start services again', {
    step: runHostCommands,
    command: 'control-service',
    commands: '$plan.commands.startAgain[$not(member in $unreverted)]',
    assign: {
      undone: undoneSoFar(
        `$count(${REPORTS}) > 0 ? 'The services that ran before run again.' : ''`,
        'Not every service that ran before runs again:',
      ),
    },
    onError: isAllDataBack,
    caught: { assign: { undone: unknown('which of the services that ran before run again.') } },
  }).next(isAllDataBack);
  const moveBack = reportFromEveryHost(scope, 'Move all data back', {
    step: runHostCommands,
    command: 'revert-data-dir',
    commands: '$plan.commands.revert',
    assign: {
      unreverted: `{% [${REPORTS}[error != ''].member] %}`,
      undone: undoneSoFar(
        "'Every data dir is as it was found.'",
        'NOT every data dir is as it was found. Start no etcd on these hosts, and start this runbook again: it moves back what is left.',
      ),
    },
    onError: startAgain,
    caught: {
      assign: {
        unreverted: '{% [$plan.targets.member] %}',
        undone: unknown(
          'which data dirs are as they were found. Start no etcd, and start this runbook again: it moves back what is left.',
        ),
      },
    },
  }).next(startAgain);

  const note = (name: string, undone: string | string[]) =>
    Pass.jsonata(scope, name, {
      assign: { failure: { error: '{% $states.input.error %}', cause: '{% $states.input.cause %}' }, undone },
    });
  const untouched = note(
    'Record why nothing is restored',
    "{% ($up := $filter($launched, function($member) { $not($member in $launchFailed) }); $append(['The data of no member was changed.'], $count($up) > 0 ? " +
      "['The services that were started run on: ' & $join($up, ', ') & '.'] : [])) %}",
  );
  const moved = note('Record why data moves back', [
    'Before this the services were to be stopped, and restored data to be put in the place of what was there.',
  ]);
  untouched.next(discard);
  moved.next(moveBack);
  return { untouched, moved };
}

/**
 * JSONata: where etcd's configuration is another one than before, for it is not put back; empty where it is not. With `--initial-cluster` etcd
 * looks at a member that has no data, and at no other.
 */
const CONFIGURED =
  "($count($written) + $count($unsure) = 0 ? '' : $join([" +
  "$count($written) = 0 ? [] : 'The configuration of etcd is NOT as it was found. The membership was written into ' & $join($written, '; ') & '.', " +
  "$count($unsure) = 0 ? [] : 'It is not known whether the membership was written into ' & $join($unsure, '; ') & '.', " +
  "'A member that has its data does not read the membership, and starts as before. To have a file as it was, move the original over it.'], ' '))";

/** How the cluster stands on each of these ways out: nothing was cured. */
const STILL_LOST = 'The quorum is still lost: no member takes writes. Correct what is said above, and start again.';

/** Three phases may fail on every host, and the error that led here comes before all. */
const FAILED_HOSTS = shortProblems(500);

/** What is said of a phase, after what was said before: all went well, or the problems. */
function undoneSoFar(well: string, otherwise: string): string {
  return `{% [$append($undone, $filter([${FAILED_HOSTS} = '' ? (${well}) : '${otherwise}' & '\\n' & ${FAILED_HOSTS}], function($text) { $text != '' }))] %}`;
}

/** What is said of a phase that Run Command has not answered for. */
function unknown(what: string): string {
  return `{% [$append($undone, 'It is not known ${what}')] %}`;
}
