import { Choice, Condition, type StateMachine, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { POSTPONED } from '../../core/backups/contracts.ts';
import { REHEARSAL_STATE_MACHINE } from '../../core/backups/rehearsal.ts';
import { lockKey, type RemediationTable } from '../remediation-table.ts';
import type { Step } from '../step-function.ts';
import { onEveryHost, REACHED, REPORTS, reportFromEveryHost, withObject } from './parts/on-every-host.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { ERROR, raiseAgain, stepState } from './parts/step-state.ts';

export interface RehearsalSteps {
  loadRemediation: Step;
  planRehearsal: Step;
  chooseRehearsalMembers: Step;
  transferSnapshots: Step;
  chooseRehearsalHost: Step;
  recordRehearsal: Step;
}

/** JSONata: the backup, as a host fetches it. */
const BACKUP = '{"access": "read-backup", "bucket": $backup.bucket, "key": $backup.key}';

/**
 * A rehearsal: a backup is restored on a host, beside its member, looked into, and removed again.
 *
 * 1. Load the cluster's configuration.
 * 2. Look at the cluster's lock, without taking it: while a remediation has it, nothing is rehearsed.
 * 3. Plan: whether one is due, and which backup it is.
 * 4. Choose members that are well, inspect their hosts, and choose the host with most room.
 * 5. Fetch the backup there, restore it, start a private member on it, look what that holds, and remove all of it.
 * 6. Compare that with what was recorded when the backup was made, and write down what came of it.
 *
 * Invariant: it takes no lock, so it delays no remediation; on a host, one that needs the disk ends it. The host's own member is never touched.
 */
export class Rehearsal extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, { steps, table }: { steps: RehearsalSteps; table: RemediationTable }) {
    super(scope, id);
    const stop = raiseAgain(this, 'Stop with the error');
    const notDue = Succeed.jsonata(this, 'None is due', {
      comment: 'One has passed in time',
      outputs: {
        outcome: 'NotDue',
        cluster: '{% $cluster.name %}',
        summary: '{% $states.input.summary %}',
        rehearsal: null,
      },
    });
    const ended = (name: string, outcome: string, comment: string) =>
      Succeed.jsonata(this, name, {
        comment,
        outputs: {
          outcome,
          cluster: '{% $cluster.name %}',
          summary: '{% $states.input.summary %}',
          rehearsal: '{% $states.input.rehearsal %}',
        },
      });
    const whatCameOfIt = Choice.jsonata(this, 'Has it passed?', {
      comment: 'One that was put off says nothing of a backup',
    })
      .when(
        Condition.jsonata("{% $states.input.outcome = 'Passed' %}"),
        ended(
          'Backup can be restored',
          'Passed',
          'A recovery from this backup would succeed, as far as one host tells',
        ),
      )
      .when(
        Condition.jsonata("{% $states.input.outcome = 'Postponed' %}"),
        ended('Rehearsal was put off', 'Postponed', 'The next one on the schedule tries again'),
      )
      .otherwise(stop);
    const record = stepState(this, 'Record rehearsal', {
      comment: 'Also of one that has failed before anything was restored',
      step: steps.recordRehearsal,
      input: {
        cluster: '{% $cluster %}',
        backup: '{% $backup %}',
        member: '{% $member %}',
        etcdVersion: '{% $etcdVersion %}',
        result: '{% $exists($states.input.reports) ? $states.input.reports[0].result : null %}',
        failure:
          '{% $exists($states.input.error) ? {"error": $states.input.error, "cause": $states.input.cause} : null %}',
      },
      onError: stop,
    });
    record.next(whatCameOfIt);
    const rehearse = onEveryHost(this, 'Restore the backup on a host', {
      step: steps.transferSnapshots,
      command: 'rehearse-restore',
      commands: withObject('$command', BACKUP),
      onError: record,
      didAnyFail: 'Did the restore fail?',
    }).next(record);
    const chooseHost = stepState(this, 'Choose host', {
      step: steps.chooseRehearsalHost,
      input: {
        cluster: '{% $cluster %}',
        backup: '{% $backup %}',
        members: '{% [$members] %}',
        inspected: '{% [$inspected] %}',
      },
      assign: {
        command: '{% $states.result.Payload.command %}',
        member: '{% $states.result.Payload.command.member %}',
        etcdVersion: '{% $states.result.Payload.etcdVersion %}',
      },
      onError: record,
    }).next(rehearse);
    const inspect = reportFromEveryHost(this, 'Inspect hosts', {
      step: steps.transferSnapshots,
      command: 'inspect-host',
      commands: withObject('$inspections', REACHED),
      assign: { inspected: `{% [${REPORTS}] %}` },
      onError: record,
    }).next(chooseHost);
    const chooseMembers = stepState(this, 'Choose members', {
      step: steps.chooseRehearsalMembers,
      input: { cluster: '{% $cluster %}', request: '{% $request %}' },
      assign: {
        members: '{% [$states.result.Payload.members] %}',
        inspections: '{% [$states.result.Payload.inspections] %}',
      },
      // A cluster that is not well has other alarms.
      onError: record,
      caught: { outputs: { error: POSTPONED, cause: ERROR.cause } },
    }).next(inspect);
    const isOneDue = Choice.jsonata(this, 'Is one due?')
      .when(Condition.jsonata("{% $states.input.action = 'NotDue' %}"), notDue)
      .when(Condition.jsonata("{% $states.input.action = 'Postpone' %}"), record, {
        outputs: { error: POSTPONED, cause: '{% $states.input.summary %}' },
      })
      .otherwise(chooseMembers);
    const plan = stepState(this, 'Plan rehearsal', {
      step: steps.planRehearsal,
      input: { cluster: '{% $cluster %}', request: '{% $request %}' },
      assign: { backup: '{% $states.result.Payload.backup %}' },
      onError: record,
    }).next(isOneDue);
    const isItHeld = Choice.jsonata(this, 'Does a remediation have the cluster?', {
      comment: 'It may need the same hosts, and comes first',
    })
      .when(Condition.jsonata("{% $states.input.holder != '' %}"), record, {
        outputs: {
          error: POSTPONED,
          cause: "{% 'The remediation ' & $states.input.holder & ' has the cluster. Rehearse once it has ended.' %}",
        },
      })
      .otherwise(plan);
    const look = table.call(this, 'Look at the lock', {
      comment: 'It is not taken: a remediation that begins meanwhile does not wait',
      action: 'getItem',
      parameters: { Key: lockKey('$cluster.name'), ConsistentRead: true },
      outputs: {
        holder:
          "{% ($lock := $states.result.Item; $exists($lock) and $number($lock.expiresAt.N) > $millis() / 1000 ? $lock.remediation.S : '') %}",
      },
      onError: record,
    });
    look.next(isItHeld);
    const start = stepState(this, 'Load cluster', {
      step: steps.loadRemediation,
      input: {
        execution: '{% $states.context.Execution.Name %}',
        input: '{% {"cluster": $states.input.cluster} %}',
      },
      assign: {
        cluster: '{% $states.result.Payload.cluster %}',
        request: '{% $states.input %}',
        backup: null,
        member: '',
        etcdVersion: '',
      },
      onError: stop,
    }).next(look);
    this.stateMachine = runbookStateMachine(this, {
      name: REHEARSAL_STATE_MACHINE,
      comment:
        'Restores a backup of an etcd cluster on one of its hosts, compares it, and removes it again. Start it with {"cluster":"orders"}',
      start,
      timeout: Duration.hours(4),
      steps: Object.values(steps),
    });
  }
}
