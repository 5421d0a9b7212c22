import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  type CatchProps,
  Fail,
  type IChainable,
  QueryLanguage,
  type RetryProps,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke, type LambdaInvokeJsonataProps } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { Step } from '../../step-function.ts';
import { WHEN_LAMBDA_DIES, WHILE_ETCD_SETTLES, WHILE_LAMBDA_IS_NOT_READY } from './retry-policies.ts';

export interface StepStateProps {
  step: Step;
  comment?: string;
  /** The step's whole input: JSON with `{% JSONata %}` in it, or one expression. */
  input: Record<string, unknown> | string;
  /** What the next state gets: the step's output, if not said. */
  outputs?: Record<string, unknown>;
  /** Variables to set from `$states.result.Payload`, the step's output. */
  assign?: Record<string, unknown>;
  /** Where every error that was not cured by a retry goes: see {@link raiseAgain}. */
  onError: IChainable;
  /** What it finds there: {@link ERROR}, if not said; and variables to set. */
  caught?: Pick<CatchProps, 'outputs' | 'assign'>;
  /** It is not tried again: nothing depends on it, and nobody waits for it. */
  once?: boolean;
  /** How it is tried again while etcd settles: {@link WHILE_ETCD_SETTLES}, if not said. */
  whileEtcdSettles?: RetryProps;
}

/**
 * JSONata: the message of a caught error. A Lambda function's error arrives as JSON with a stack trace; a responder wants the message. A cause that
 * Step Functions cut off at its limit is JSON no more: it goes through as it is, for a failure here would hide the error.
 */
export const MESSAGE =
  '($cause := $string($states.errorOutput.Cause); $contains($cause, /^\\{.*"errorMessage":.*\\}$/) ? $parse($cause).errorMessage : $cause)';

/** What a caught error leaves behind: its name, and its message. */
export const ERROR = { error: '{% $states.errorOutput.Error %}', cause: `{% ${MESSAGE} %}` };

/**
 * Invokes the version of a step that is deployed with the definition. An execution keeps its definition, so it runs to its end on the code
 * that it began with, whatever is deployed meanwhile.
 */
class InvokeVersion extends LambdaInvoke {
  /**
   * CDK would let the role invoke the newest version alone, and a deploy would take from the executions that run the right to go on.
   * https://github.com/aws/aws-cdk/issues/17515
   */
  protected override readonly taskPolicies: PolicyStatement[];

  constructor(
    scope: Construct,
    name: string,
    { step, ...props }: Omit<LambdaInvokeJsonataProps, 'lambdaFunction'> & { step: Step },
  ) {
    super(scope, name, {
      ...props,
      queryLanguage: QueryLanguage.JSONATA,
      // CDK declares the role of a version in another way than that of a function: undefined instead of left out.
      lambdaFunction: step.runsIn.function.currentVersion as IFunction,
    });
    this.taskPolicies = [
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [`${step.runsIn.function.functionArn}:*`] }),
    ];
  }
}

/** A state that runs one step: with the retries that every step of a runbook has, and no error left uncaught. */
export function stepState(
  scope: Construct,
  name: string,
  {
    step,
    comment,
    input,
    outputs,
    assign,
    onError,
    caught,
    once = false,
    whileEtcdSettles = WHILE_ETCD_SETTLES,
  }: StepStateProps,
): LambdaInvoke {
  const state = new InvokeVersion(scope, name, {
    ...(comment && { comment }),
    step,
    payload: TaskInput.fromObject({ step: step.name, execution: '{% $states.context.Execution.Name %}', input }),
    outputs: outputs ?? '{% $states.result.Payload %}',
    retryOnServiceExceptions: !once,
    ...(assign && { assign }),
  });
  if (!once) {
    state.addRetry(whileEtcdSettles);
    state.addRetry(WHEN_LAMBDA_DIES);
    state.addRetry(WHILE_LAMBDA_IS_NOT_READY);
  }
  state.addCatch(onError, { outputs: ERROR, ...caught });
  return state;
}

/** Ends the execution with the error that stopped it, under its own name. */
export function raiseAgain(scope: Construct, name: string): Fail {
  return Fail.jsonata(scope, name, {
    comment: 'Under its own name',
    queryLanguage: QueryLanguage.JSONATA,
    error: '{% $states.input.error %}',
    // Step Functions takes at most 32,768 characters.
    cause: '{% $substring($states.input.cause, 0, 32000) %}',
  });
}
