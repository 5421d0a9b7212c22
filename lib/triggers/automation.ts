import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Duration, Stack, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { INCIDENTS } from '../../core/runbooks.ts';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import { executionArns } from '../arns.ts';
import { named } from '../names.ts';
import { policyOf } from '../role-policy.ts';

export interface StartAutomationProps {
  /** The entry workflow's. */
  stateMachineArn: string;
}

/** Longer than the entry workflow takes at most: after it Automation would stop what it has started. */
const TIMEOUT = Duration.hours(61);

const DOCUMENT = 'etcd-remediation-start';
/** Stands for no incident: an empty value is none that a pattern could tell from a mistake. */
const DIAGNOSE = 'diagnose';
const WITH_DIAGNOSIS = 'DiagnoseAndRemediate';
const OF_INCIDENT = 'RemediateIncident';
const WHO = 'Systems Manager Automation {{ automation:EXECUTION_ID }}';

/**
 * The Automation document with which Incident Manager, OpsCenter, a maintenance window or a person in Systems Manager starts a remediation; it ends
 * as the remediation ends. Values become a part of a JSON text, so none may hold what JSON could mistake.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeStateMachine.html
 */
export class StartAutomation extends Construct {
  constructor(scope: Construct, id: string, { stateMachineArn }: StartAutomationProps) {
    super(scope, id);
    const role = this.#createRole(stateMachineArn);
    const start = (name: string, input: string) => ({
      name,
      action: 'aws:executeStateMachine',
      isEnd: true,
      // An execution is named after what has started it, so that each finds the other.
      inputs: { stateMachineArn, name: '{{ automation:EXECUTION_ID }}', input },
      timeoutSeconds: TIMEOUT.toSeconds(),
      maxAttempts: 1,
      onFailure: 'Abort',
    });
    const common = `"cluster":"{{ Cluster }}","dryRun":{{ DryRun }},"reason":"{{ Reason }}","requestedBy":"${WHO}"`;
    new CfnDocument(this, 'Document', {
      name: named(this, DOCUMENT),
      documentType: 'Automation',
      documentFormat: 'JSON',
      updateMethod: 'NewVersion',
      content: {
        schemaVersion: '0.3',
        description: 'Remediates an etcd cluster: starts the workflow etcd-remediation, and ends as it ends.',
        assumeRole: '{{ AutomationAssumeRole }}',
        parameters: {
          Cluster: {
            type: 'String',
            description: "The cluster's name, as in clusters.json",
            allowedPattern: '^[a-zA-Z0-9][a-zA-Z0-9-]{0,62}$',
          },
          Incident: {
            type: 'String',
            description: 'What is wrong; "diagnose" finds it out',
            default: DIAGNOSE,
            allowedValues: [DIAGNOSE, ...INCIDENTS],
          },
          DryRun: {
            type: 'String',
            description: 'Whether to say what would be done, and do nothing',
            default: 'false',
            allowedValues: ['false', 'true'],
          },
          Reason: {
            type: 'String',
            description: 'Why, such as the ID of an incident. It is recorded',
            default: '',
            allowedPattern: '^[A-Za-z0-9 .,:;_/#()+=@-]{0,256}$',
          },
          AutomationAssumeRole: {
            type: 'AWS::IAM::Role::Arn',
            description: 'The role as which Automation starts the workflow',
            default: role.roleArn,
          },
        },
        mainSteps: [
          {
            name: 'IsTheIncidentKnown',
            action: 'aws:branch',
            inputs: {
              Choices: [{ NextStep: WITH_DIAGNOSIS, Variable: '{{ Incident }}', StringEquals: DIAGNOSE }],
              Default: OF_INCIDENT,
            },
          },
          start(WITH_DIAGNOSIS, `{${common}}`),
          start(OF_INCIDENT, `{${common},"incident":"{{ Incident }}"}`),
        ],
      },
    });
  }

  /** May do what the action needs, for the one state machine. */
  #createRole(stateMachineArn: string): Role {
    const role = new Role(this, 'Role', {
      description: 'Starts the workflow etcd-remediation for Systems Manager Automation',
      // Of this account alone: https://docs.aws.amazon.com/systems-manager/latest/userguide/cross-service-confused-deputy-prevention.html
      assumedBy: new ServicePrincipal('ssm.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      inlinePolicies: policyOf(
        { actions: ['states:StartExecution'], resources: [stateMachineArn] },
        {
          actions: ['states:DescribeExecution', 'states:StopExecution'],
          resources: [executionArns(this, ENTRY_STATE_MACHINE)],
        },
      ),
    });
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${named(this, ENTRY_STATE_MACHINE)}:*]`,
      reason: 'Which execution it is, is known only when it has begun: any of this one state machine.',
    });
    return role;
  }
}
