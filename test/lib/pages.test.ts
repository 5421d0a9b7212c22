import { describe, expect, it } from 'vitest';
import { rewriteCommands } from '../../cli/rewrite-commands.ts';
import { INCOMING_PAGES_TOPIC, PAGES_TOPIC } from '../../core/diagnosis/detection.ts';
import type { State, TaskState } from '../../local/asl/definition.ts';
import { evaluateTemplate } from '../../local/asl/expressions.ts';
import { catchers, pagesOf, successors } from './definitions.ts';
import { execute } from './execute.ts';
import {
  definitionOf,
  ENTRY,
  FLEET,
  GUARD,
  PAGER,
  RELEASE,
  type Resource,
  render,
  resourcesOf,
  synthesizeStacks,
} from './stacks.ts';

/** What holds for every state that calls a person. */

const stacks = synthesizeStacks(FLEET);
const sending = Object.keys(stacks.stateMachines).flatMap((stateMachine) => {
  const definition = definitionOf(stacks, stateMachine);
  return pagesOf(definition).map(({ name, state }) => ({ stateMachine, name, state, definition }));
});

/** What the pager sends on was a page before. */
const pages = sending.filter(({ stateMachine }) => stateMachine !== PAGER);
const [PEOPLE, INCOMING] = [PAGES_TOPIC, INCOMING_PAGES_TOPIC].map((name) => `arn:aws:sns:local:000000000000:${name}`);

function argumentsOf({ Arguments }: TaskState) {
  return Arguments as Record<string, string>;
}

/** What tries again and again, in the meantime paging, may never end because a page cannot be sent. */
const AUTHENTICATION = ['etcd-remediation-auth-token-reset', GUARD];
const NOTE = 'Note that a person was called';
const IS_OVER = 'Page that authentication is enabled';
const ofAuthentication = pages.filter(
  ({ stateMachine, name }) => AUTHENTICATION.includes(stateMachine) && name !== IS_OVER,
);
const ofRemediations = pages.filter(
  ({ stateMachine, name }) => !AUTHENTICATION.includes(stateMachine) || name === IS_OVER,
);

describe('a page', () => {
  it('is sent by these states, and by no other', () => {
    expect(sending.map(({ stateMachine, name }) => `${stateMachine}: ${name}`).toSorted()).toEqual(
      [
        'etcd-remediation-auth-token-reset: Page that authentication is enabled',
        'etcd-remediation-auth-token-reset: Page that authentication may be disabled',
        `${GUARD}: Page that authentication is enabled`,
        `${GUARD}: Page that authentication may be disabled`,
        `${GUARD}: Page that the cluster cannot be loaded`,
        `${ENTRY}: Page that an approval is wanted`,
        `${ENTRY}: Page that it could not begin`,
        `${ENTRY}: Page that it has failed`,
        `${ENTRY}: Page that it is resolved`,
        `${ENTRY}: Page that no other one was started`,
        `${RELEASE}: Page that it was cut off`,
        `${PAGER}: Send one message`,
      ].toSorted(),
    );
  });

  it('names no command for which nothing stands where it runs without AWS', () => {
    const commands = Object.keys(stacks.stateMachines).flatMap((stateMachine) => [
      ...JSON.stringify(definitionOf(stacks, stateMachine)).matchAll(/npx --no etcd-remediation \w+/g),
    ]);
    expect(commands.length).toBeGreaterThan(0);
    for (const [command] of commands) {
      const typed = `${command}${{ reject: ' ID --reason WHY', approve: ' ID', status: ' ID', start: ' orders --watch' }[command.split(' ')[3] ?? ''] ?? ''}`;
      expect(rewriteCommands(typed, { files: { config: '' }, api: { url: '', header: '' } }), command).not.toBe(typed);
    }
  });

  it.each(pages)(
    'goes to the topic that collects them, with a subject and a message: $name ($stateMachine)',
    ({ state }) => {
      expect(stacks.topics.toSorted()).toEqual([PEOPLE, INCOMING].toSorted());
      expect(argumentsOf(state)).toEqual({
        TopicArn: INCOMING,
        Subject: expect.any(String),
        Message: expect.stringMatching(/^\{% .* %\}$/s),
      });
    },
  );

  it.each(pages)('has a subject that SNS takes, however long a name is: $name ($stateMachine)', async (page) => {
    const name = 'n'.repeat(63);
    const variables = {
      cluster: page.stateMachine === RELEASE ? name : { name },
      next: { incident: 'auth-token-invalid' },
      ended: { outcome: 'NothingToDo' },
    };
    const { Subject = '' } = argumentsOf(page.state);
    // https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    expect(await evaluateTemplate(Subject, { states: {}, variables, functions: {} }, 'Subject')).toMatch(
      /^[\x21-\x7e][\x20-\x7e]{0,98}$/,
    );
  });
});

describe('a page about authentication', () => {
  it.each(ofAuthentication)('says what was seen, and what to do by hand: $name ($stateMachine)', ({ state }) => {
    expect(argumentsOf(state).Message).toContain('$states.input.cause');
    expect(argumentsOf(state).Message).toContain('Run "etcdctl auth enable" on it now.');
  });

  it.each(ofAuthentication)(
    'ends nothing, sent or not: the same wait comes next: $name ($stateMachine)',
    ({ state, definition }) => {
      const [next = ''] = successors(state);
      expect(definition.States[next]).toMatchObject({ Type: 'Wait', Seconds: 30 });
      expect(state.Catch).toMatchObject([{ ErrorEquals: ['States.ALL'] }]);
      expect(catchers(state)).toEqual([next]);
      // Whoever waits 30 s tries again anyway.
      expect(state).not.toHaveProperty('Retry');
    },
  );
});

describe('a page about a remediation', () => {
  it.each(ofRemediations)('names the execution: $name ($stateMachine)', ({ state }) => {
    expect(argumentsOf(state).Message).toMatch(/\$states\.context\.Execution\.(Id|Name)|\$execution/);
  });

  it.each(ofRemediations)('changes nothing, sent or not: $name ($stateMachine)', ({ state, definition }) => {
    expect(state.Catch).toMatchObject([{ ErrorEquals: ['States.ALL'] }]);
    // That a person was called is noted in between: if that was sent, or if the page that calls off was not.
    const behindNote = (next: string) => (next === NOTE ? successors(definition.States[next] as State) : [next]);
    expect(catchers(state).flatMap(behindNote)).toEqual(successors(state).flatMap(behindNote));
  });
});

describe('the pager', () => {
  /** A message of SQS that holds what a topic of SNS was told, as far as it is looked at. */
  const recordOf = (Subject: string, Message: string) => ({
    messageId: 'x',
    body: JSON.stringify({ Subject, Message }),
  });
  const pagesAtOnce = (): number => {
    const [pipe] = Object.values(resourcesOf(stacks.platform, 'AWS::Pipes::Pipe'));
    return (pipe as Resource).Properties.SourceParameters.SqsQueueParameters.BatchSize;
  };
  const send = async (...records: object[]) => {
    const { ended, pages: sent } = await execute(definitionOf(stacks, PAGER), {
      stateMachineName: PAGER,
      input: records as never,
      topics: [PEOPLE ?? ''],
      answers: {},
    });
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(sent).toHaveLength(1);
    return sent[0];
  };

  it('sends a page that is alone as it came', async () => {
    const message = '{"AlarmName":"a"}\n"quoted"';
    expect(await send(recordOf('ALARM: "a"', message))).toMatchObject({ subject: 'ALARM: "a"', message });
  });

  it('sends several as one message, which names each first, and then has each as a whole', async () => {
    const sent = await send(recordOf('ALARM: one', 'The first.'), recordOf('ALARM: two', 'The second.'));
    expect(sent).toMatchObject({
      subject: '2 pages: ALARM: one; ALARM: two',
      message:
        '2 pages came in together:\n- ALARM: one\n- ALARM: two\n\nALARM: one\n\nThe first.\n\n----------\n\nALARM: two\n\nThe second.',
    });
  });

  it('sends one once that was delivered twice, and two that differ in what they say', async () => {
    const [first, second] = [recordOf('CRITICAL', 'orders'), recordOf('CRITICAL', 'billing')];
    expect((await send(first, first))?.message).toBe('orders');
    expect((await send(first, second, first))?.subject).toBe('2 pages: CRITICAL; CRITICAL');
  });

  it('sends one that has no subject under one that says so', async () => {
    const message = 'A test by hand.';
    const bare = { body: JSON.stringify({ Message: message }) };
    expect(await send(bare)).toMatchObject({ subject: 'A page without a subject', message });
    expect((await send(bare, recordOf('ALARM', 'x')))?.subject).toBe('2 pages: A page without a subject; ALARM');
  });

  it('fails where it cannot send, before it times out: of that no alarm tells', () => {
    const { States, TimeoutSeconds = 0 } = definitionOf(stacks, PAGER);
    const longest = (name: string) => {
      const { TimeoutSeconds: eachSeconds = 0, Retry } = States[name] as TaskState;
      const waits = Array.from({ length: Retry?.[0]?.MaxAttempts ?? 0 }, (_, index) => Math.min(2 ** index, 20));
      return (waits.length + 1) * Number(eachSeconds) + waits.reduce((sum, each) => sum + each, 0);
    };
    const { Retry } = States['Send one message'] as TaskState;
    expect(Retry).toMatchObject([{ ErrorEquals: ['States.TaskFailed', 'States.Timeout'] }]);
    expect(longest('Send one message')).toBeGreaterThan(2 * 60);
    // Each of a batch may be an alarm that was out of sight.
    const questions = pagesAtOnce() * longest('Ask what the alarm was before');
    expect(questions + longest('Send one message')).toBeLessThan(TimeoutSeconds);
  });

  it('takes as many at once as fit into an execution, each as long as it can be', async () => {
    // A quotation mark is escaped once for SNS, and once more for SQS.
    const text = '"xx'.repeat(1_667).slice(0, 5_000);
    const envelope = { Type: 'Notification', Subject: 's'.repeat(99), Message: text, more: 'y'.repeat(1_000) };
    const records = Array.from({ length: pagesAtOnce() }, () => ({
      body: JSON.stringify(envelope),
      more: 'z'.repeat(700),
    }));
    expect(Buffer.byteLength(JSON.stringify(records))).toBeLessThan(256 * 1024);
    const sent = await send(
      ...records.map((each, index) => ({ ...each, body: JSON.stringify({ ...envelope, Message: `${index}${text}` }) })),
    );
    expect(sent?.subject).toHaveLength(99);
    expect(Buffer.byteLength(sent?.message ?? '')).toBeLessThan(256 * 1024);
  });
});

describe('a topic', () => {
  it('takes nothing that is not encrypted on its way', () => {
    const policies = Object.values(resourcesOf(stacks.platform, 'AWS::SNS::TopicPolicy'));
    const topics = Object.keys(resourcesOf(stacks.platform, 'AWS::SNS::Topic'));
    expect(policies.map(({ Properties }) => Properties.Topics)).toEqual(topics.map((topic) => [{ Ref: topic }]));
    for (const [index, { Properties }] of policies.entries()) {
      expect(Properties.PolicyDocument.Statement).toMatchObject([
        {
          Effect: 'Deny',
          Principal: '*',
          Action: 'sns:Publish',
          Resource: { Ref: topics[index] },
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
        { Effect: 'Allow' },
      ]);
    }
  });

  it('takes messages from alarms that are called as ours are, of this account, and from nobody else besides whoever has the right by a role', () => {
    const [policy] = Object.values(resourcesOf(stacks.platform, 'AWS::SNS::TopicPolicy'));
    const allowed = policy?.Properties.PolicyDocument.Statement.filter(
      ({ Effect }: { Effect: string }) => Effect === 'Allow',
    );
    expect(allowed).toHaveLength(1);
    expect(allowed[0]).toMatchObject({
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: 'sns:Publish',
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
    expect(render(allowed[0].Condition.ArnLike['aws:SourceArn'])).toBe(
      'arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:etcd-remediation*',
    );
  });

  it('is an output of the stack, for whoever is on call to subscribe to', () => {
    const [topic] = Object.entries(resourcesOf(stacks.platform, 'AWS::SNS::Topic')).find(
      ([, { Properties }]) => Properties.TopicName === PAGES_TOPIC,
    ) ?? [''];
    const outputs = Object.values(stacks.platform.toJSON().Outputs as Record<string, { Value: unknown }>);
    expect(outputs.map(({ Value }) => Value)).toContainEqual({ Ref: topic });
  });
});
