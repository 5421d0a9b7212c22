import { expect } from 'vitest';
import type { PageEvent } from '../../core/diagnosis/page.ts';
import { type Incident, RUNBOOKS } from '../../core/runbooks.ts';
import { evaluateTemplate } from '../../local/asl/expressions.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import { type Page, publishTo } from '../../local/aws/sns.ts';
import { pagesOf } from './definitions.ts';
import { execute } from './execute.ts';
import { definitionOf, FLEET, PAGER, synthesizeStacks } from './stacks.ts';

/** Pages as workflows send them, with what is as long as it can be, and what the pager makes of them. */

export const PREFIX = 'p'.repeat(16);
const stacks = synthesizeStacks({ ...FLEET, prefix: PREFIX });
const [people, incoming] = ['etcd-remediation-pages', 'etcd-remediation-incoming-pages'].map(
  (name) => stacks.topics.find((arn) => arn.endsWith(`:${PREFIX}-${name}`)) ?? '',
);
export const PAGES = Object.keys(stacks.stateMachines).flatMap((machine) =>
  machine.endsWith(PAGER)
    ? []
    : pagesOf(definitionOf(stacks, machine)).map(({ name, state }) => ({ name, state, machine })),
);

interface Told {
  cluster: string;
  incident: Incident;
  cause: string;
  plan: string[];
}

/** As long as each can be, in a region with a long name. */
export const ID = 'i'.repeat(80);
const CLUSTER = 'c'.repeat(63);
export const ARN = `arn:aws-us-gov:states:ap-southeast-9:123456789012:execution:${PREFIX}-etcd-remediation:${ID}`;
const CAUSE = `node-1 is down (connection refused). ${'It was asked three times. '.repeat(200)}`;
export const JSON_CAUSE = `The step failed: {"errorType":"HostUnreachable","errorMessage":"Gone.","trace":["at x"]} (${ARN})`;
export const LONG: Told = {
  cluster: CLUSTER,
  incident: 'auth-token-invalid',
  cause: CAUSE,
  plan: Array.from({ length: 12 }, (_, line) => `Step ${line}: ${'does something. '.repeat(10)}`),
};
export const SHORT: Told = {
  cluster: 'orders',
  incident: 'quorum-lost',
  cause: 'Members m1 and m2 of 3 are down.',
  plan: ['Restore the snapshot of m3 on m1, m2 and m3', 'Start all members'],
};

/** What a state is evaluated with: the variables of its workflow, and how it was entered. */
function scopeOf(machine: string, { cluster, incident, cause, plan }: Told, id = ID) {
  const arn = ARN.replace(ID, id);
  const isRelease = machine.endsWith('lock-release');
  const input = JSON.stringify({ cluster, parameters: { deep: { er: 1 } } });
  const rounds = [
    { runbook: 'space-reclaim', outcome: 'Remediated', report: { outcome: 'Remediated' } },
    { runbook: 'quorum-recovery', outcome: 'Remediated', report: { loss: { explanation: cause } } },
  ];
  const variables = {
    cluster: isRelease ? cluster : { name: cluster },
    next: { incident, problem: cause, runbook: RUNBOOKS[incident].runbook },
    question: { plan: { plan, loss: { explanation: cause } } },
    ended: { outcome: 'VerificationFailed', summary: cause, rounds, remaining: [] },
    enabled: { changed: true, summary: cause },
    ...{ questions: 1, execution: arn, status: 'TIMED_OUT', cause },
  } as unknown as JsonObject;
  const Input = { cluster, detail: { executionArn: arn, name: id, input } };
  const states = {
    input: { error: 'HostUnreachable', cause, called: true },
    context: { Execution: { Id: arn, Name: id, Input } },
  };
  return { states, variables, functions: { parse: (text: string) => JSON.parse(text) } };
}

export async function sent(
  page: (typeof PAGES)[number],
  told: Told,
  id?: string,
): Promise<Page & { event: PageEvent }> {
  const { Subject = '', Message = '', TopicArn = '' } = page.state.Arguments as Record<string, string>;
  const scope = scopeOf(page.machine, told, id);
  const received: Page[] = [];
  await publishTo(stacks.topics, (each) => received.push(each))(
    {
      TopicArn,
      Subject: await evaluateTemplate(Subject, scope, 'Subject'),
      Message: await evaluateTemplate(Message, scope, 'Message'),
    },
    {} as never,
  );
  expect(TopicArn).toBe(incoming);
  const [one] = received;
  if (!one?.event) throw new Error('It has no event.');
  return { ...one, event: one.event };
}

/** What the pager makes of these pages. */
export async function handedOn(...records: { Subject: string; Message: string }[]): Promise<Page | undefined> {
  return handedOnWith([], ...records);
}

/** @param before what the history of each alarm is asked for in turn */
export async function handedOnWith(
  before: unknown[],
  ...records: { Subject: string; Message: string }[]
): Promise<Page | undefined> {
  const machine = `${PREFIX}-${PAGER}`;
  const { ended, pages } = await execute(definitionOf(stacks, machine), {
    stateMachineName: machine,
    input: records.map((each) => ({ body: JSON.stringify(each) })) as never,
    topics: [people ?? ''],
    answers: { 'Ask what the alarm was before': before },
  });
  expect(ended).toMatchObject({ status: 'SUCCEEDED' });
  return pages[0];
}
