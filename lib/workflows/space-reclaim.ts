import { Choice, Condition, type StateMachine, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { spaceReclaim } from '../../core/space-reclaim/runbook.ts';
import type { Step } from '../step-function.ts';
import { addChangesToCause, NOTHING_TO_UNDO } from './parts/add-changes-to-cause.ts';
import { loadCluster } from './parts/load-cluster.ts';
import { REPORTS, reportFromEveryHost } from './parts/on-every-host.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { ERROR, raiseAgain, stepState } from './parts/step-state.ts';

export interface SpaceReclaimSteps {
  loadCluster: Step;
  assessSpace: Step;
  runHostCommands: Step;
  weighRoom: Step;
  compactHistory: Step;
  chooseNextDefragmentation: Step;
  moveLeadership: Step;
  defragmentMember: Step;
  disarmAlarms: Step;
  proveWrites: Step;
  countKeys: Step;
}

/**
 * The runbook for `space-exceeded`: a store that is full, or about to be, gets its space back.
 *
 * 1. Load the cluster's configuration and check the execution input.
 * 2. Assess: stop if anything is unsafe; end if there is nothing to do.
 * 3. If hosts are known, look at their disks, all at once. A member whose disk has no room for its defragmentation is left as it is. If it
 *    has to become smaller, it stops the runbook. Nothing else of a host stops it. A dry run ends here.
 * 4. Compact history, physically on every voter.
 * 5. Ask what is next, do that one thing, and ask again: a follower to defragment, leadership to move, at last the old leader. The step that
 *    defragments asks before it acts, and again afterwards. What it cannot decide, such as for want of a leader, has a state of its own.
 *    The question is answered from a fresh reading of all members, and only once all are healthy and caught up. Excepted are
 *    members that have not answered since the assessment, if NOSPACE was raised and the others are a quorum.
 * 6. Disarm each (member, NOSPACE) pair, and list again.
 * 7. Prove it: where NOSPACE was raised, etcd takes a write as large as one may be; and a write and a delete through every voter that
 *    answers. Who was left out is reported, and is what is still wrong.
 * 8. For the report, count for some seconds what fills the store now. Nothing of that stops the runbook.
 *
 * Invariant of one execution: never more than one member is away, besides those that had failed before it began; no member that
 * leads others defragments; and no alarm is disarmed while a member that answers is still over the threshold. The step that
 * defragments makes the choice from a reading of its own before it acts: whom it is given is expected to be the next, and nothing more.
 */
export class SpaceReclaim extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, steps: SpaceReclaimSteps) {
    super(scope, id);
    const stop = raiseAgain(this, 'Stop with the error');
    const onError = addChangesToCause(this, { changes: '$changes', now: NOTHING_TO_UNDO }, stop);
    const recordChange = (change: string) => ({ changes: `{% [$append($changes, ${change})] %}` });
    // The step that defragments reads the cluster first: where another thing is next, it does nothing and says so.
    const expectNext = (member: string) => ({ next: `{% {"action": "Defragment", "member": ${member}} %}` });
    const target = { cluster: '{% $cluster %}' };
    const weighed = { ...target, parameters: '{% $parameters %}' };
    const leftOut = '{% [$assessment.leftOut.member] %}';
    const quotas = '{% [$assessment.members.{"name": name, "quotaBytes": quotaBytes, "quotaSource": quotaSource}] %}';
    const request = {
      ...weighed,
      leftOut,
      quotas,
      withoutRoom: '{% [$room.withoutRoom] %}',
      defragmented: '{% [$defragmented.member] %}',
      turn: '{% $turn %}',
    };
    const report = {
      incident: spaceReclaim.incident,
      runbook: spaceReclaim.runbook,
      cluster: '{% $cluster.name %}',
      reason: '{% $reason %}',
      requestedBy: '{% $requestedBy %}',
      membersBefore: '{% $assessment.members %}',
    };

    const start = loadCluster(this, {
      step: steps.loadCluster,
      incident: spaceReclaim.incident,
      assign: { defragmented: [], turn: 0, changes: [], inspected: [], unasked: '' },
      onError: stop,
    });
    const assessSpace = stepState(this, 'Assess space', {
      step: steps.assessSpace,
      input: weighed,
      assign: {
        assessment: '{% $states.result.Payload %}',
        room: '{% {"withoutRoom": [], "summary": "", "steps": [$states.result.Payload.steps]} %}',
      },
      onError,
    });
    const weighRoom = stepState(this, 'Check free disk space', {
      step: steps.weighRoom,
      input: {
        ...weighed,
        members:
          '{% [$assessment.members.{"name": name, "dbSizeBytes": dbSizeBytes, "dbSizeInUseBytes": dbSizeInUseBytes, "quotaBytes": quotaBytes}] %}',
        alarms: '{% [$assessment.alarms] %}',
        plan: '{% [$assessment.plan] %}',
        steps: '{% [$assessment.steps] %}',
        inspected: '{% [$inspected] %}',
        unasked: '{% $unasked %}',
      },
      assign: { room: '{% $states.result.Payload %}' },
      onError,
    });
    const inspectHosts = reportFromEveryHost(this, 'Inspect hosts', {
      step: steps.runHostCommands,
      command: 'inspect-host',
      commands: '$assessment.inspections',
      assign: { inspected: `{% [${REPORTS}] %}` },
      // The store may be full, and people wait: what nobody can ask a host is not known, and told.
      onError: weighRoom,
      caught: { assign: { unasked: ERROR.cause } },
    });
    const compactHistory = stepState(this, 'Compact history', {
      step: steps.compactHistory,
      input: { ...target, revision: '{% $assessment.compactRevision %}' },
      assign: {
        ...expectNext('$assessment.plan[0]'),
        ...recordChange(
          "$states.result.Payload.outcome = 'Compacted' ? 'history was compacted up to revision ' & $assessment.compactRevision : []",
        ),
      },
      onError,
    });
    const chooseNextDefragmentation = stepState(this, 'Choose next defragmentation', {
      step: steps.chooseNextDefragmentation,
      input: request,
      assign: { next: '{% $states.result.Payload %}', turn: '{% $turn + 1 %}' },
      onError,
    });
    const moveLeadership = stepState(this, 'Move leadership', {
      step: steps.moveLeadership,
      input: { ...target, member: '{% $next.member %}', transferee: '{% $next.transferee %}' },
      assign: {
        ...expectNext('$next.member'),
        ...recordChange("'leadership was moved from ' & $next.member & ' to ' & $next.transferee"),
      },
      onError,
    });
    const defragmentMember = stepState(this, 'Defragment member', {
      step: steps.defragmentMember,
      input: { ...request, member: '{% $next.member %}' },
      assign: {
        next: '{% $states.result.Payload.next %}',
        turn: "{% $turn + ($states.result.Payload.next.action = 'Choose' ? 0 : 1) %}",
        defragmented: '{% [$append($defragmented, $states.result.Payload.defragmentations)] %}',
        ...recordChange("[$states.result.Payload.defragmentations.(member & ' was defragmented')]"),
      },
      onError,
    });
    const disarmAlarms = stepState(this, 'Disarm alarms', {
      step: steps.disarmAlarms,
      input: { ...weighed, leftOut, quotas },
      assign: {
        disarmed: '{% $states.result.Payload.disarmed %}',
        ...recordChange("$count($states.result.Payload.disarmed) > 0 ? 'NOSPACE was disarmed' : []"),
      },
      onError,
    });
    const proveWrites = stepState(this, 'Prove writes on every member', {
      step: steps.proveWrites,
      input: {
        ...target,
        leftOut,
        quotas,
        refused: '{% $count($assessment.alarms) > 0 %}',
        execution: '{% $states.context.Execution.Name %}',
      },
      assign: { proven: '{% $states.result.Payload %}' },
      onError,
    });

    const assessed = { ...report, summary: '{% $assessment.summary %}' };
    const nothingToDo = Succeed.jsonata(this, 'Nothing to do', { outputs: { outcome: 'NothingToDo', ...assessed } });
    const planned = Succeed.jsonata(this, 'Planned', {
      outputs: {
        outcome: 'Planned',
        ...assessed,
        summary: `{% ${joined('$assessment.summary', '$room.summary')} %}`,
        leftOut: '{% $assessment.leftOut %}',
        plan: '{% [$room.steps] %}',
        compactRevision: '{% $assessment.compactRevision %}',
      },
    });
    const remediated = Succeed.jsonata(this, 'Space reclaimed', {
      outputs: {
        outcome: 'Remediated',
        ...report,
        // How it is now comes first, for readers who stop there.
        summary: `{% ${joined(
          "$join([$proven.members.name], ', ') & ' took a write each, and no alarm is raised.'",
          '$proven.summary',
          "$exists($next.left) ? $next.summary : ''",
          '$room.summary',
          "'Before: ' & $assessment.summary",
        )} %}`,
        compactRevision: '{% $assessment.compactRevision %}',
        defragmented: '{% $defragmented %}',
        disarmed: '{% $disarmed %}',
        members: '{% $proven.members %}',
        leftOut: '{% $proven.leftOut %}',
        remaining: '{% $proven.remaining %}',
        store: '{% $store %}',
      },
    });
    const countKeys = stepState(this, 'Count keys', {
      step: steps.countKeys,
      comment: 'What fills the store now, for the report',
      input: target,
      assign: { store: '{% $states.result.Payload.store %}' },
      once: true,
      onError: remediated,
      caught: { assign: { store: null } },
    });

    const whatComesNext = Choice.jsonata(this, 'What comes next?')
      .when(Condition.jsonata("{% $next.action = 'MoveLeadership' %}"), moveLeadership.next(defragmentMember))
      .when(Condition.jsonata("{% $next.action = 'Defragment' %}"), defragmentMember)
      .when(Condition.jsonata("{% $next.action = 'Choose' %}"), chooseNextDefragmentation)
      .when(
        Condition.jsonata("{% $next.action = 'Finish' %}"),
        disarmAlarms.next(proveWrites).next(countKeys).next(remediated),
      );
    const isThisADryRun = Choice.jsonata(this, 'Is this a dry run?')
      .when(Condition.jsonata('{% $dryRun %}'), planned)
      .otherwise(compactHistory.next(defragmentMember).next(whatComesNext));
    chooseNextDefragmentation.next(whatComesNext);
    const isThereAnythingToReclaim = Choice.jsonata(this, 'Is there anything to reclaim?')
      .when(Condition.jsonata("{% $assessment.verdict = 'NothingToDo' %}"), nothingToDo)
      .when(
        Condition.jsonata('{% $count($assessment.inspections) > 0 %}'),
        inspectHosts.next(weighRoom).next(isThisADryRun),
      )
      .otherwise(isThisADryRun);

    this.stateMachine = runbookStateMachine(this, {
      name: spaceReclaim.stateMachineName,
      comment: 'Gives a full or fragmented etcd store its space back',
      start: start.next(assessSpace).next(isThereAnythingToReclaim),
      // Seven members at 14 minutes each, and as much again for second tries.
      timeout: Duration.hours(4),
      steps: Object.values(steps),
    });
  }
}

/** JSONata: those of the texts that are not empty. */
function joined(...texts: string[]): string {
  return `$join($filter([${texts.join(', ')}], function($text) { $text != '' }), ' ')`;
}
