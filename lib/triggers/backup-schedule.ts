import { Role } from 'aws-cdk-lib/aws-iam';
import { type IScheduleTarget, Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { Aws, Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { BACKUP_STATE_MACHINE } from '../../core/backups/contracts.ts';
import { schedulerRoleName } from '../../core/diagnosis/detection.ts';
import { stateMachineArnOf } from '../arns.ts';
import { named } from '../names.ts';

/** Starts the backup of one cluster as often as its configuration says. */
export class BackupSchedule extends Construct {
  constructor(scope: Construct, id: string, { cluster, everyMinutes }: { cluster: string; everyMinutes: number }) {
    super(scope, id);
    const every = Duration.minutes(everyMinutes);
    const target: IScheduleTarget = {
      bind: () => ({
        arn: stateMachineArnOf(this, BACKUP_STATE_MACHINE),
        role: Role.fromRoleName(this, 'Role', named(this, schedulerRoleName(Aws.REGION))),
        input: ScheduleTargetInput.fromObject({ cluster }),
        // Later than this the next one is due.
        retryPolicy: { maximumEventAgeInSeconds: every.toSeconds(), maximumRetryAttempts: 5 },
      }),
    };
    new Schedule(this, 'Schedule', {
      description: `Backs up the etcd cluster ${cluster}`,
      schedule: ScheduleExpression.rate(every),
      target,
    });
  }
}
