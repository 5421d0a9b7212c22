import { Role } from 'aws-cdk-lib/aws-iam';
import { type IScheduleTarget, Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { Aws, TimeZone } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { type Maintenance, windowMinutes } from '../../core/cluster/maintenance.ts';
import { schedulerRoleName } from '../../core/diagnosis/detection.ts';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import { stateMachineArnOf } from '../arns.ts';
import { named } from '../names.ts';

export interface MaintenanceScheduleProps {
  cluster: string;
  maintenance: Maintenance;
}

/** Starts a remediation when a maintenance window of one cluster begins: what it may do is in the cluster's configuration. */
export class MaintenanceSchedule extends Construct {
  constructor(scope: Construct, id: string, { cluster, maintenance }: MaintenanceScheduleProps) {
    super(scope, id);
    const [hour, minute] = maintenance.from.split(':').map(Number);
    const target: IScheduleTarget = {
      bind: () => ({
        arn: stateMachineArnOf(this, ENTRY_STATE_MACHINE),
        role: Role.fromRoleName(this, 'Role', named(this, schedulerRoleName(Aws.REGION))),
        input: ScheduleTargetInput.fromObject({ cluster, maintenance: true }),
        // Later than this the window is over.
        retryPolicy: { maximumEventAgeInSeconds: windowMinutes(maintenance) * 60, maximumRetryAttempts: 5 },
      }),
    };
    new Schedule(this, 'Schedule', {
      description: `Reclaims fragmented space of the etcd cluster ${cluster} in its maintenance window`,
      schedule: ScheduleExpression.cron({
        minute: `${minute}`,
        hour: `${hour}`,
        weekDay: maintenance.days.map((day) => day.toUpperCase()).join(','),
        timeZone: TimeZone.ETC_UTC,
      }),
      target,
    });
  }
}
