import { Rule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Choice, Condition, Pass, type StateMachine, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { prefixOption } from '../names.ts';
import type { Pages } from '../pages.ts';
import { lockKey, ownedBy, pagedKey, type RemediationTable, recordItem } from '../remediation-table.ts';
import type { Reports } from '../reports.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { raiseAgain } from './parts/step-state.ts';

export interface LockReleaseProps {
  table: RemediationTable;
  pages: Pages;
  reports: Reports;
  /** The entry workflow. */
  remediation: StateMachine;
}

/** JSONata: the ID of the remediation, which its ARN ends with. */
const ID = "$split($execution, ':')[-1]";

/**
 * Gives a cluster's lock back where the execution that had it was ended from outside: by a person, or by its time limit. Then nothing of its
 * own runs any more. Records the remediation as well, which had no chance to.
 *
 * Its input is the event that Step Functions sends when an execution ends, as well as it can.
 * https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export class LockRelease extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, { table, pages, reports, remediation }: LockReleaseProps) {
    super(scope, id);
    const option = prefixOption(this);
    const stop = raiseAgain(this, 'Stop with the error');
    const nothingToRelease = Succeed.jsonata(this, 'No lock to give back', {
      comment: 'It had none, or has given it back itself',
      outputs: { outcome: 'NothingToDo', execution: '{% $execution %}' },
    });
    const released = Succeed.jsonata(this, 'Lock given back', {
      comment: 'The next remediation of the cluster may begin',
      outputs: { outcome: 'Remediated', execution: '{% $execution %}' },
    });
    const page = pages.page(this, 'Page that it was cut off', {
      comment: 'By its time limit, or by a failure that it could not catch',
      subject: "'CRITICAL: a remediation of the etcd cluster ' & $cluster & ' was cut off'",
      kind: 'cut-off',
      severity: 'critical',
      cluster: '$cluster',
      execution: '$execution',
      report: reports.address(ID),
      parts: [
        {
          says: "'The remediation of ' & $cluster & ' ended as ' & $status & ' before it was done. What was begun may be half done.'",
          most: 250,
        },
        { says: '$cause', most: 300 },
        {
          says:
            `'Read: npx --no etcd-remediation status ' & ${ID} & '${option}\\nStart another one, which finishes it: npx --no etcd-remediation start ' & ` +
            `$cluster & ' --watch${option}'`,
          most: 320,
        },
      ],
    });
    const notePage = table.call(this, 'Note that a person was called', {
      comment: 'Whoever was is told once the cluster is well again',
      action: 'putItem',
      parameters: { Item: pagedKey('$cluster') },
      outputs: {},
      onError: released,
    });
    page.addCatch(released, { outputs: {} });
    page.next(notePage);
    notePage.next(released);
    const didAPersonStopIt = Choice.jsonata(this, 'Did a person stop it?', {
      comment: 'The person who stopped it knows',
    })
      .when(Condition.jsonata("{% $status = 'ABORTED' %}"), released)
      .otherwise(page);
    const release = table.call(this, 'Give the lock back', {
      comment: 'If it is still that of the execution which ended',
      action: 'deleteItem',
      parameters: { Key: lockKey('$cluster'), ...ownedBy('$execution') },
      outputs: {},
      onConditionFailed: nothingToRelease,
      onError: stop,
    });
    release.next(didAPersonStopIt);
    const record = table.call(this, 'Record how it ended', {
      comment: 'It had no chance to do so itself; where it had, its own record stays',
      action: 'putItem',
      parameters: {
        ConditionExpression: 'attribute_not_exists(id)',
        Item: recordItem({
          cluster: '$cluster',
          remediation: '$lock.remediation.S',
          owner: '$execution',
          startedAt: '$lock.startedAt.S',
          endedAt: '$now()',
          outcome: '$status',
          report: "$string({'request': $request, 'summary': $cause})",
        }),
      },
      outputs: {},
      onConditionFailed: release,
      onError: release,
    });
    record.next(release);
    const isItStillHeld = Choice.jsonata(this, 'Is it still held?', {
      comment: 'By the execution that ended, and no other',
    })
      .when(Condition.jsonata('{% $lock.owner.S = $execution %}'), record)
      .otherwise(nothingToRelease);
    const look = table.call(this, 'Look at the lock', {
      comment: 'Whose is it?',
      action: 'getItem',
      parameters: { Key: lockKey('$cluster'), ConsistentRead: true },
      outputs: {},
      assign: { lock: '{% $exists($states.result.Item) ? $states.result.Item : {"owner": {"S": ""}} %}' },
      onError: stop,
    });
    look.next(isItStillHeld);
    const wasItForACluster = Choice.jsonata(this, 'Was it for a cluster?', {
      comment: 'An execution that named none had no lock',
    })
      .when(Condition.jsonata("{% $cluster != '' %}"), look)
      .otherwise(nothingToRelease);
    // Whatever someone started it with, in one line or in several, as a console shows it. An input that is too large for an event is left out of it; none of ours is.
    const start = Pass.jsonata(this, 'Read the event', {
      comment: 'Which execution has ended, and of which cluster',
      outputs: {},
      assign: {
        execution: '{% $states.input.detail.executionArn %}',
        status: '{% $states.input.detail.status %}',
        cause: "{% $states.input.detail.cause ? $states.input.detail.cause : '' %}",
        request:
          '{% ($text := $string($states.input.detail.input); $contains($text, /^\\s*\\{[\\s\\S]*\\}\\s*$/) ? $parse($text) : {}) %}',
        cluster:
          '{% ($text := $string($states.input.detail.input); $contains($text, /^\\s*\\{[\\s\\S]*\\}\\s*$/) ? ($named := $parse($text).cluster; ' +
          "$type($named) = 'string' ? $named : '') : '') %}",
      },
    });
    this.stateMachine = runbookStateMachine(this, {
      name: 'etcd-remediation-lock-release',
      comment: "Gives a cluster's lock back where a remediation was stopped, by a person or by its time limit",
      start: start.next(wasItForACluster),
      timeout: Duration.minutes(15),
      steps: [],
    });
    new Rule(this, 'Ended', {
      description: 'A remediation has ended otherwise than by its own way out',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [remediation.stateMachineArn], status: ['FAILED', 'ABORTED', 'TIMED_OUT'] },
      },
      targets: [new SfnStateMachine(this.stateMachine)],
    });
  }
}
