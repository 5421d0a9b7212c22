import { Chain, Choice, Condition, type IChainable, type State } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../../step-function.ts';
import {
  FAILED_HOSTS,
  FAILURE,
  HAS_FAILED,
  onEveryHost,
  REPORTS,
  reportFromEveryHost,
  withObject,
} from '../on-every-host.ts';
import { stepState } from '../step-state.ts';
import { HELD } from './restore-quorum.ts';
import type { WaysOut } from './undo-recovery.ts';

export interface RestoreProps {
  steps: {
    waitForQuorum: Step;
    runHostCommands: Step;
    stageSnapshot: Step;
    transferSnapshots: Step;
  };
  waysOut: WaysOut;
  /** Where the quorum has come back before anything was stopped. */
  cameBack: IChainable;
  /** Where members may have been started. */
  onErrorAfterStart: IChainable;
}

/**
 * Restores the plan's winner on every host: first into scratch folders; and once each host has it there and every service is stopped, into place.
 * Until then clients that still read from a survivor can go on, and a quorum that comes back by itself ends all this. As soon as
 * every host has it in place, all are started at once, and each says `kept` right before, which proves that of all.
 *
 * Reads the variables `plan` and `discard`; sets `staged`, `archived`, `written`, `unsure`, `scratchLeft` and `goal`.
 */
export function restoreCluster(scope: Construct, props: RestoreProps): Chain {
  const { steps, waysOut, cameBack, onErrorAfterStart } = props;
  const { waitForQuorum, runHostCommands, stageSnapshot, transferSnapshots } = steps;
  const lookOnceMore = stepState(scope, 'Check for a quorum once more', {
    step: waitForQuorum,
    input: { cluster: '{% $cluster %}', held: HELD, waitSeconds: 0 },
    onError: waysOut.untouched,
  });
  const discardUnneeded = reportFromEveryHost(scope, 'Discard unneeded scratch folders', {
    step: runHostCommands,
    command: 'mark-recovery',
    commands: '$discard',
    assign: { scratchLeft: `{% ${FAILED_HOSTS} %}` },
    onError: cameBack,
  });
  const discardUnneededUpload = stepState(scope, 'Discard unneeded upload', {
    step: stageSnapshot,
    input: { action: 'Discard', key: '{% $staged.key %}', uploadId: '{% $staged.uploadId %}' },
    onError: cameBack,
  });
  discardUnneeded.next(discardUnneededUpload).next(cameBack);
  const didItComeBack = Choice.jsonata(scope, 'Did the quorum come back?').when(
    Condition.jsonata('{% $states.input.led %}'),
    discardUnneeded,
  );
  const restore = onEveryHost(scope, 'Restore on every host', {
    step: transferSnapshots,
    didAnyFail: 'Did the restore fail anywhere?',
    command: 'restore-snapshot',
    commands: withObject('$plan.commands.restore', '{"access": "read", "key": $plan.staging.key}'),
    onError: waysOut.untouched,
  });
  const place = onEveryHost(scope, 'Put restored data in place', {
    step: runHostCommands,
    didAnyFail: 'Did the swap fail anywhere?',
    command: 'swap-data-dir',
    commands: '$plan.commands.swap',
    assign: {
      written: WRITTEN,
      unsure: UNSURE,
      archived: `{% [${REPORTS}[result != null and member in $plan.targets.member].{"member": member, "host": host, "dataDir": result.dataDir, "walDir": result.walDir}] %}`,
      goal: {
        cluster: '{% $plan.cluster %}',
        revision: '{% $plan.winner.revision %}',
        required: '{% [$plan.targets.member] %}',
        restored: true,
      },
    },
    onError: waysOut.moved,
    // It is known of no host how far it is.
    caught: { assign: { unsure: `{% [${SWAPPED}.${UNSURE_OF}] %}` } },
  });
  // Point of no return: once one host records `kept`, the next execution must keep the restored data.
  const start = onEveryHost(scope, 'Start all services', {
    step: runHostCommands,
    didAnyFail: 'Did the start fail anywhere?',
    command: 'start-restored',
    commands: '$plan.commands.start',
    onError: onErrorAfterStart,
  });

  const restored = restore
    .next(lookOnceMore)
    .next(didItComeBack.afterwards({ includeOtherwise: true }))
    .next(place)
    .next(start);
  return Chain.sequence(uploadSnapshot(scope, steps, { sent: restored, onError: waysOut.untouched }), restored);
}

/** JSONata: of each host on which the membership was written, the file and where it is as it was before. */
const WRITTEN = `{% [${REPORTS}[result != null and result.copy != ''].(host & ': ' & result.file & ' (as it was before: ' & result.copy & ')')] %}`;

/** JSONata: the commands that write it. */
const SWAPPED = "$plan.commands.swap[parameters.data = 'swap']";
const UNSURE_OF =
  "(host & ': ' & parameters.configFile & ' (if it was, the original is ' & parameters.configFile & '.' & parameters.execution & ')')";
/** As {@link WRITTEN}, where nobody knows: a script that refuses has written nothing, and any other failure proves nothing. */
const UNSURE =
  `{% [${REPORTS}[$not(error in ['', 'InvalidInput', 'PreconditionFailed', 'UnsafeToProceed'])].($at := host; ` +
  `${SWAPPED}[host = $at].${UNSURE_OF})] %}`;

/**
 * The snapshot's host sends it to the staging bucket: as one object, or, where it is larger than a part, part by part: each is cut out of it on the
 * host's own disk. It is not restored before: all hosts do that at once, and what cannot be restored changes nothing there either.
 *
 * @param sent where it goes on
 */
function uploadSnapshot(
  scope: Construct,
  { stageSnapshot, transferSnapshots }: Pick<RestoreProps['steps'], 'stageSnapshot' | 'transferSnapshots'>,
  { sent, onError }: { sent: IChainable; onError: IChainable },
): State {
  const begin = stepState(scope, 'Begin upload', {
    step: stageSnapshot,
    input: { action: 'Begin', key: '{% $plan.staging.key %}' },
    assign: { staged: '{% $states.result.Payload %}' },
    onError,
  });
  const upload = reportFromEveryHost(scope, 'Send the snapshot', {
    step: transferSnapshots,
    command: 'send-snapshot',
    commands:
      '$plan.staging.parts.{"member": member, "host": host, "parameters": parameters, "object": $staged.uploadId = "" ' +
      '? {"access": "write", "key": $staged.key} ' +
      ': {"access": "write-part", "key": $staged.key, "uploadId": $staged.uploadId, "partNumber": partNumber}}',
    atOnce: 1,
    assign: { etags: `{% [${REPORTS}.(error = '' ? result.etag : '')] %}` },
    onError,
  });
  const complete = stepState(scope, 'Complete upload', {
    step: stageSnapshot,
    input: {
      action: 'Complete',
      key: '{% $staged.key %}',
      uploadId: '{% $staged.uploadId %}',
      parts:
        '{% [$map($plan.staging.parts, function($part, $index) {{"partNumber": $part.partNumber, "etag": $etags[$index]}})] %}',
    },
    onError,
  });
  const didSendingFail = Choice.jsonata(scope, 'Did sending fail anywhere?')
    .when(HAS_FAILED, onError, { outputs: FAILURE })
    .when(Condition.jsonata("{% $staged.uploadId = '' %}"), sent)
    .otherwise(complete);
  const doesItTakeParts = Choice.jsonata(scope, 'Does it take several parts?')
    .when(Condition.jsonata('{% $count($plan.staging.parts) = 1 %}'), upload, {
      assign: { staged: { key: '{% $plan.staging.key %}', uploadId: '' } },
    })
    .otherwise(begin);
  begin.next(upload);
  upload.next(didSendingFail);
  complete.next(sent);
  return doesItTakeParts;
}
