import { describe, expect, it } from 'vitest';
import { saidHere } from '../../cli/said-here.ts';
import { evaluateTemplate } from '../../local/asl/expressions.ts';
import type { TaskState } from '../../local/asl/types.ts';
import { catchers, pagesOf, successors } from './definitions.ts';
import { definitionOf, ENTRY, FLEET, GUARD, RELEASE, render, resourcesOf, synthesizeStacks } from './stacks.ts';

/** What holds for every state that calls a person. */

const stacks = synthesizeStacks(FLEET);
const pages = Object.keys(stacks.stateMachines).flatMap((stateMachine) => {
  const definition = definitionOf(stacks, stateMachine);
  return pagesOf(definition).map(({ name, state }) => ({ stateMachine, name, state, definition }));
});

function argumentsOf({ Arguments }: TaskState) {
  return Arguments as Record<string, string>;
}

/** What tries again and again, in the meantime paging, may never end because a page cannot be sent. */
const AUTHENTICATION = ['etcd-remediation-auth-token-reset', GUARD];
const ofAuthentication = pages.filter(({ stateMachine }) => AUTHENTICATION.includes(stateMachine));
const ofRemediations = pages.filter(({ stateMachine }) => !AUTHENTICATION.includes(stateMachine));

describe('a page', () => {
  it('is sent by these states, and by no other', () => {
    expect(pages.map(({ stateMachine, name }) => `${stateMachine}: ${name}`).toSorted()).toEqual(
      [
        'etcd-remediation-auth-token-reset: Page that authentication may be disabled',
        `${GUARD}: Page that authentication may be disabled`,
        `${GUARD}: Page that the cluster cannot be loaded`,
        `${ENTRY}: Page that an approval is wanted`,
        `${ENTRY}: Page that it could not begin`,
        `${ENTRY}: Page that it has failed`,
        `${ENTRY}: Page that no other one was started`,
        `${RELEASE}: Page that it was cut off`,
      ].toSorted(),
    );
  });

  it('names no command for which nothing stands where it runs without AWS', () => {
    const commands = Object.keys(stacks.stateMachines).flatMap((stateMachine) => [
      ...JSON.stringify(definitionOf(stacks, stateMachine)).matchAll(/npx etcd-remediation \w+/g),
    ]);
    expect(commands.length).toBeGreaterThan(0);
    for (const [command] of commands) {
      const typed = `${command}${{ reject: ' ID --reason WHY', approve: ' ID', diagnose: ' --deployed orders' }[command.split(' ')[2] ?? ''] ?? ''}`;
      expect(saidHere(typed, { files: { config: '' }, api: { url: '', header: '' } }), command).not.toBe(typed);
    }
  });

  it.each(pages)('goes to the one topic, with a subject and a message: $name ($stateMachine)', ({ state }) => {
    expect(stacks.topics).toHaveLength(1);
    expect(argumentsOf(state)).toEqual({
      TopicArn: stacks.topics[0],
      Subject: expect.any(String),
      Message: expect.stringMatching(/^\{% .* %\}$/),
    });
  });

  it.each(pages)('has a subject that SNS takes, however long a name is: $name ($stateMachine)', async (page) => {
    const name = 'n'.repeat(63);
    const variables = {
      cluster: page.stateMachine === RELEASE ? name : { name },
      next: { incident: 'auth-token-invalid' },
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

  it.each(ofRemediations)('changes nothing, sent or not: $name ($stateMachine)', ({ state }) => {
    expect(state.Catch).toMatchObject([{ ErrorEquals: ['States.ALL'] }]);
    expect(catchers(state)).toEqual(successors(state));
  });
});

describe('the topic', () => {
  it('takes nothing that is not encrypted on its way', () => {
    const policies = Object.values(resourcesOf(stacks.platform, 'AWS::SNS::TopicPolicy'));
    const [topic] = Object.keys(resourcesOf(stacks.platform, 'AWS::SNS::Topic'));
    expect(policies.map(({ Properties }) => Properties.Topics)).toEqual([[{ Ref: topic }]]);
    expect(policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement)).toMatchObject([
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'sns:Publish',
        Resource: { Ref: topic },
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
      { Effect: 'Allow' },
    ]);
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
    const [topic] = Object.keys(resourcesOf(stacks.platform, 'AWS::SNS::Topic'));
    const outputs = Object.values(stacks.platform.toJSON().Outputs as Record<string, { Value: unknown }>);
    expect(outputs.map(({ Value }) => Value)).toContainEqual({ Ref: topic });
  });
});
