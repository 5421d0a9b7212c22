import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IScheduleTarget, Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { ArnFormat, Aws, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { BACKUP_STATE_MACHINE } from '../../core/backups/contracts.ts';
import { REHEARSAL_STATE_MACHINE } from '../../core/backups/rehearsal.ts';
import { DETECTOR_FUNCTION, schedulerRoleName } from '../../core/diagnosis/detection.ts';
import { invocationOf } from '../../core/remediation/invocation.ts';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import { stateMachineArnOf } from '../arns.ts';
import { named } from '../names.ts';
import { policyOf } from '../role-policy.ts';

/** How often a cluster is looked at; its alarms count in these. */
export const DETECTOR_PERIOD = Duration.minutes(1);

export interface DetectorProps {
  cluster: string;
}

/** As which the schedules of all clusters invoke the platform's detector, and start their backups, rehearsals and maintenance. */
export class DetectorSchedules extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const stack = Stack.of(this);
    const group = stack.formatArn({ service: 'scheduler', resource: 'schedule-group', resourceName: 'default' });
    const startable = [BACKUP_STATE_MACHINE, REHEARSAL_STATE_MACHINE, ENTRY_STATE_MACHINE];
    new Role(this, 'Role', {
      roleName: named(this, schedulerRoleName(Aws.REGION)),
      description:
        'Invokes the detector of etcd-remediation for each cluster, and starts its backups, rehearsals and maintenance',
      // https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account, 'aws:SourceArn': group } },
      }),
      inlinePolicies: policyOf(
        { actions: ['lambda:InvokeFunction'], resources: [detectorArn(this)] },
        { actions: ['states:StartExecution'], resources: startable.map((name) => stateMachineArnOf(this, name)) },
      ),
    });
  }
}

/** Lets the platform's detector look at one cluster each minute. */
export class Detector extends Construct {
  constructor(scope: Construct, id: string, { cluster }: DetectorProps) {
    super(scope, id);
    const roleName = named(this, schedulerRoleName(Aws.REGION));
    const target: IScheduleTarget = {
      bind: () => ({
        arn: detectorArn(this),
        role: Role.fromRoleName(this, 'Role', roleName),
        input: ScheduleTargetInput.fromObject(invocationOf('detect-incidents', { cluster })),
        // A look that could not be started is not made up for: a minute later the next one is due, and says what is then.
        retryPolicy: { maximumEventAgeInSeconds: DETECTOR_PERIOD.toSeconds(), maximumRetryAttempts: 0 },
      }),
    };
    new Schedule(this, 'Schedule', {
      description: `Looks at the etcd cluster ${cluster}`,
      schedule: ScheduleExpression.rate(DETECTOR_PERIOD),
      target,
    });
  }
}

/** By its name, so that the stack of a cluster imports nothing of the platform's. */
function detectorArn(scope: Construct): string {
  return Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: named(scope, DETECTOR_FUNCTION),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
