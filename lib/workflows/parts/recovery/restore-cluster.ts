import { type Chain, Choice, Condition, type IChainable, Pass } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../../step-function.ts';
import { onEveryHost, PROBLEMS, reportFromEveryHost } from '../on-every-host.ts';
import { stepState } from '../step-state.ts';
import type { WaysOut } from './undo-recovery.ts';

export interface RestoreProps {
  steps: {
    waitForQuorum: Step;
    runHostCommand: Step;
    stageSnapshot: Step;
    transferSnapshot: Step;
  };
  waysOut: WaysOut;
  /** Where the quorum has come back before anything was stopped. */
  cameBack: IChainable;
  /** Where members may have been started. */
  onErrorAfterStart: IChainable;
}

/**
 * Restores the plan's winner on every host: first on trial, then into scratch folders; and once each host has it there and every service is stopped,
 * into place. Until then whoever still reads from a survivor can go on, and a quorum that comes back by itself ends all this. As soon as
 * every host has it in place, each says `kept`, which proves that of all, and all are started at once.
 *
 * Reads the variables `plan` and `discard`; sets `staged`, `archived`, `written`, `unsure`, `scratchLeft` and `goal`.
 */
export function restoreCluster(scope: Construct, props: RestoreProps): Chain {
  const { steps, waysOut, cameBack, onErrorAfterStart } = props;
  const { waitForQuorum, runHostCommand, stageSnapshot, transferSnapshot } = steps;
  const trial = onEveryHost(scope, {
    step: transferSnapshot,
    every: 'Try the restore',
    one: 'Restore on trial',
    subject: 'the trial',
    command: 'restore-snapshot',
    commands: '$plan.commands.trial',
    object: '{% null %}',
    onError: waysOut.untouched,
  });
  const lookOnceMore = stepState(scope, 'Look once more', {
    step: waitForQuorum,
    input: { cluster: '{% $cluster %}', waitSeconds: 0 },
    onError: waysOut.untouched,
  });
  const discardUnneeded = reportFromEveryHost(scope, {
    step: runHostCommand,
    every: 'Discard what is not needed',
    one: 'Discard unneeded scratch',
    subject: 'the tidying',
    command: 'discard-scratch',
    commands: '$discard',
    assign: { scratchLeft: `{% ${PROBLEMS} %}` },
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
  const stopAll = onEveryHost(scope, {
    step: runHostCommand,
    every: 'Stop all services',
    one: 'Stop service',
    subject: 'the stop',
    command: 'control-service',
    commands: '$plan.commands.stop',
    onError: waysOut.stopped,
  });
  const restore = onEveryHost(scope, {
    step: transferSnapshot,
    every: 'Restore on every host',
    one: 'Restore snapshot',
    subject: 'the restore',
    command: 'restore-snapshot',
    commands: '$plan.commands.restore',
    object: '{% {"access": "read", "key": $plan.staging.key} %}',
    onError: waysOut.untouched,
  });
  const place = onEveryHost(scope, {
    step: runHostCommand,
    every: 'Put restored data in place',
    one: 'Place restored data',
    subject: 'the placing',
    command: 'place-restored-data',
    commands: '$plan.commands.place',
    assign: {
      archived:
        '{% [$states.result[result != null].{"member": member, "host": host, "dataDir": result.dataDir, "walDir": result.walDir}] %}',
      goal: {
        cluster: '{% $plan.cluster %}',
        revision: '{% $plan.winner.revision %}',
        required: '{% [$plan.targets.member] %}',
        restored: true,
      },
    },
    onError: waysOut.moved,
  });
  const configure = onEveryHost(scope, {
    step: runHostCommand,
    every: 'Write membership on every host',
    one: 'Write membership',
    subject: 'the membership',
    command: 'configure-membership',
    commands: '$plan.commands.configure',
    assign: { written: WRITTEN, unsure: UNSURE },
    onError: waysOut.moved,
  });
  const start = onEveryHost(scope, {
    step: runHostCommand,
    every: 'Start all services',
    one: 'Start service',
    subject: 'the start',
    command: 'control-service',
    commands: '$plan.commands.start',
    onError: onErrorAfterStart,
  });
  // All are placed, and say so: the next execution would keep this. From the first host on that says `kept`, it must. So whatever becomes of this,
  // members are started, and a host that does not say it is only told of.
  const ignore = Pass.jsonata(scope, 'Leave the scratch', {
    assign: { scratchLeft: '{% $states.input.cause %}' },
  });
  const commit = reportFromEveryHost(scope, {
    step: runHostCommand,
    every: 'Commit the restored data',
    one: 'Keep what is in place',
    subject: 'the commit',
    command: 'discard-scratch',
    commands: '$plan.commands.commit',
    assign: { scratchLeft: `{% ${PROBLEMS} %}` },
    onError: ignore,
  });
  ignore.next(start);

  return trial
    .next(uploadSnapshot(scope, steps, waysOut.untouched))
    .next(restore)
    .next(lookOnceMore)
    .next(didItComeBack.afterwards({ includeOtherwise: true }))
    .next(stopAll)
    .next(place)
    .next(configure)
    .next(commit)
    .next(start);
}

/** JSONata: of each host on which the membership was written, the file and where it lies as it was before. */
const WRITTEN =
  "{% [$states.result[result != null and result.copy != ''].(host & ': ' & result.file & ' (as it was before: ' & result.copy & ')')] %}";

/** As {@link WRITTEN}, where nobody knows: a script that refuses has written nothing, and any other failure proves nothing. */
const UNSURE =
  "{% [$states.result[$not(error in ['', 'InvalidInput', 'PreconditionFailed', 'UnsafeToProceed'])].($at := host; " +
  "$plan.commands.configure[host = $at].(host & ': ' & parameters.configFile & ' (if it was, the original is ' & " +
  "parameters.configFile & '.' & parameters.execution & ')'))] %}";

/** The snapshot's host sends it to the staging bucket, part by part: each is cut out of it on the host's own disk. */
function uploadSnapshot(
  scope: Construct,
  { stageSnapshot, transferSnapshot }: Pick<RestoreProps['steps'], 'stageSnapshot' | 'transferSnapshot'>,
  onError: IChainable,
): Chain {
  const begin = stepState(scope, 'Begin upload', {
    step: stageSnapshot,
    input: { action: 'Begin', key: '{% $plan.staging.key %}' },
    assign: { staged: '{% $states.result.Payload %}' },
    onError,
  });
  const upload = onEveryHost(scope, {
    step: transferSnapshot,
    every: 'Upload the snapshot',
    one: 'Upload part',
    subject: 'the upload',
    command: 'upload-snapshot',
    commands: '$plan.staging.parts',
    object:
      '{% {"access": "write-part", "key": $staged.key, "uploadId": $staged.uploadId, "partNumber": $states.input.partNumber} %}',
    atOnce: 1,
    assign: { etags: "{% [$states.result.(error = '' ? result.etag : '')] %}" },
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
  return begin.next(upload).next(complete);
}
