/** A refusal as AWS's JSON protocol has it: the error's type and a message. */
export class AwsError extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}
