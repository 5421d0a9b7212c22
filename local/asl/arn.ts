/** As AWS would name them, in a region and an account of their own. */
const STATES = 'arn:aws:states:local:000000000000';

export function stateMachineArn(name: string): string {
  return `${STATES}:stateMachine:${name}`;
}

export function executionArn(stateMachineName: string, name: string): string {
  return `${STATES}:execution:${stateMachineName}:${name}`;
}
