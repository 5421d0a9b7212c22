import { Role } from 'aws-cdk-lib/aws-iam';
import { type IScheduleTarget, Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { Aws, Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { BACKUP_STATE_MACHINE } from '../../core/backups/contracts.ts';
import { REHEARSAL_STATE_MACHINE } from '../../core/backups/rehearsal.ts';
import { schedulerRoleName } from '../../core/diagnosis/detection.ts';
import { stateMachineArnOf } from '../arns.ts';
import { named } from '../names.ts';

/** Starts the backup of one cluster as often as its configuration says. */
export class BackupSchedule extends Construct {
  constructor(scope: Construct, id: string, { cluster, everyMinutes }: { cluster: string; everyMinutes: number }) {
    super(scope, id);
    startEvery(
      this,
      Duration.minutes(everyMinutes),
      BACKUP_STATE_MACHINE,
      { cluster },
      `Backs up the etcd cluster ${cluster}`,
    );
  }
}

/** Asks each day whether a rehearsal of the cluster's backups is due: one that has failed, or was put off, is tried again the day after. */
export class RehearsalSchedule extends Construct {
  constructor(scope: Construct, id: string, { cluster }: { cluster: string }) {
    super(scope, id);
    const input = { cluster, scheduled: true };
    startEvery(
      this,
      Duration.days(1),
      REHEARSAL_STATE_MACHINE,
      input,
      `Rehearses a backup of the etcd cluster ${cluster}`,
    );
  }
}

function startEvery(
  scope: Construct,
  every: Duration,
  stateMachineName: string,
  input: object,
  description: string,
): void {
  const target: IScheduleTarget = {
    bind: () => ({
      arn: stateMachineArnOf(scope, stateMachineName),
      role: Role.fromRoleName(scope, 'Role', named(scope, schedulerRoleName(Aws.REGION))),
      input: ScheduleTargetInput.fromObject(input),
      // Later than this the next one is due.
      retryPolicy: { maximumEventAgeInSeconds: every.toSeconds(), maximumRetryAttempts: 5 },
    }),
  };
  new Schedule(scope, 'Schedule', { description, schedule: ScheduleExpression.rate(every), target });
}
