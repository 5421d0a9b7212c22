import { Duration } from 'aws-cdk-lib';
import { Choice, Condition, type IChainable, type State, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { HostCommandName } from '../../../core/contracts/host-commands.ts';
import type { Step } from '../../step-function.ts';
import { stepState } from './step-state.ts';

export interface HostCommandsProps {
  step: Step;
  /** The variable that holds the command under way, and its `result` at the end. */
  variable: string;
  /** What all the commands of this group are called in the names of states: `the inspection`. */
  subject: string;
  /** Whether each of them names an object, as transfer-snapshot wants it. */
  objects?: boolean;
  /** How long to wait between two questions: 10 s, if not said. */
  wait?: WaitTime;
  onError?: IChainable;
}

export interface SendProps {
  command: HostCommandName;
  /** JSONata: the host's ID, and the document's parameters. */
  host: string;
  parameters: string;
  /** JSONata, for a group whose commands name objects. */
  object?: string;
  assign?: Record<string, unknown>;
}

/**
 * Host commands through Run Command: sent by one state each, then waited for by states that they share. A command that ends within
 * seconds is waited for by the step that sends it; for a longer one the state machine waits, which costs nothing.
 */
export class HostCommands extends Construct {
  /** Reached when a command has ended well. */
  readonly hasItEnded: Choice;
  readonly #props: HostCommandsProps;

  constructor(scope: Construct, id: string, props: HostCommandsProps) {
    super(scope, id);
    const { variable, subject, step, objects, onError } = props;
    this.#props = props;
    const name = subject.charAt(0).toUpperCase() + subject.slice(1);
    this.hasItEnded = Choice.jsonata(scope, `Has ${subject} ended?`);
    const time = props.wait ?? WaitTime.duration(Duration.seconds(10));
    const wait = Wait.jsonata(scope, `Wait for ${subject}`, { time });
    const ask = stepState(scope, `${name}: how is it?`, {
      step,
      input: {
        command: `{% $${variable}.command %}`,
        host: `{% $${variable}.host %}`,
        parameters: `{% $${variable}.parameters %}`,
        ...(objects && { object: `{% $${variable}.object %}` }),
        execution: '{% $states.context.Execution.Name %}',
        commandId: `{% $${variable}.commandId %}`,
        sentAt: `{% $${variable}.sentAt %}`,
      },
      assign: { [variable]: `{% $merge([$${variable}, $states.result.Payload]) %}` },
      ...(onError && { onError }),
    });
    this.hasItEnded.otherwise(wait.next(ask).next(this.hasItEnded));
  }

  /** A state that sends one command, and then waits for it with the others. */
  send(name: string, { command, host, parameters, object, assign }: SendProps): State {
    const { step, variable, onError } = this.#props;
    const sent = { command, host, parameters, ...(object && { object }) };
    const kept = Object.entries(sent).map(
      ([field, value]) => `"${field}": ${field === 'command' ? `"${value}"` : bare(value)}`,
    );
    const state = stepState(this.node.scope as Construct, name, {
      step,
      input: { ...sent, execution: '{% $states.context.Execution.Name %}', commandId: '', sentAt: 0 },
      assign: {
        ...assign,
        [variable]: `{% $merge([{${kept.join(', ')}}, $states.result.Payload]) %}`,
      },
      ...(onError && { onError }),
    });
    state.next(this.hasItEnded);
    return state;
  }

  /** The condition under which a command has ended well. */
  get ended(): Condition {
    return Condition.jsonata(`{% $${this.#props.variable}.status = 'Done' %}`);
  }
}

/** `{% $next.host %}` -> `$next.host` */
function bare(expression: string): string {
  return expression.replace(/^\{%\s*|\s*%\}$/g, '');
}
