import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { Incident } from '../../../core/runbooks.ts';
import type { Step } from '../../step-function.ts';
import { stepState } from './step-state.ts';

export interface LoadClusterProps {
  step: Step;
  incident: Incident;
  /** The variables that the workflow begins with, besides those that every workflow has. */
  assign: Record<string, unknown>;
  onError: IChainable;
}

/**
 * The first state of every runbook: checks the execution input and loads the cluster's configuration, into the variables `cluster`,
 * `parameters`, `dryRun`, `reason` and `requestedBy`.
 */
export function loadCluster(scope: Construct, { step, incident, assign, onError }: LoadClusterProps): LambdaInvoke {
  return stepState(scope, 'Load cluster', {
    step,
    input: { incident, execution: '{% $states.context.Execution.Name %}', input: '{% $states.input %}' },
    assign: {
      cluster: '{% $states.result.Payload.cluster %}',
      parameters: '{% $states.result.Payload.parameters %}',
      dryRun: '{% $states.result.Payload.dryRun %}',
      reason: '{% $states.result.Payload.reason %}',
      requestedBy: '{% $states.result.Payload.requestedBy %}',
      ...assign,
    },
    onError,
  });
}
