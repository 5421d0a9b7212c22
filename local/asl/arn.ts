/** As AWS would name them, in a region and an account of their own. */
const ACCOUNT = '000000000000';
const STATES = `arn:aws:states:local:${ACCOUNT}`;

/** Of the role of a state machine, as far as an expression can read it. */
export function roleArn(stateMachineName: string): string {
  return `arn:aws:iam::${ACCOUNT}:role/${stateMachineName}`;
}

export function stateMachineArn(name: string): string {
  return `${STATES}:stateMachine:${name}`;
}

export function executionArn(stateMachineName: string, name: string): string {
  return `${STATES}:execution:${stateMachineName}:${name}`;
}
