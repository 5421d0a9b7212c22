import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FLEET, FUNCTIONS, permissionsOf, ROOT, render, resourcesOf, synthesizeStacks } from '../lib/stacks.ts';

const { platform, clusters } = synthesizeStacks(FLEET);

async function rowsOf(page: string, marker: string): Promise<string[][]> {
  const text = await readFile(join(ROOT, 'docs', page), 'utf8');
  const [, table = ''] = new RegExp(`<!-- ${marker} -->\\n\\n((?:\\|.*\\n)+)`).exec(text) ?? [];
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

function inBackticks(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

/** What every function may do that is in the VPC, or that writes a log and traces. */
const OF_EVERY_FUNCTION = /^(logs|xray|ec2):/;

describe('the functions in the document on security', () => {
  const functions = [...FUNCTIONS, 'api', 'reports'].map((name) => {
    const [, { Properties } = { Properties: undefined }] =
      Object.entries(resourcesOf(platform, 'AWS::Lambda::Function')).find(([id]) =>
        id.toLowerCase().startsWith(`${name.replaceAll('-', '')}function`),
      ) ?? [];
    const roleId = Properties.Role['Fn::GetAtt'][0];
    const { Path } = resourcesOf(platform, 'AWS::IAM::Role')[roleId]?.Properties ?? {};
    const [, session = ''] = /\/([\w-]+)\/$/.exec(Path ? render(Path) : '') ?? [];
    const actions = permissionsOf(platform, roleId).map((permission) => permission.split(' ')[0] ?? '');
    return {
      name,
      inVpc: Properties.VpcConfig ? 'yes' : 'no',
      session,
      actions: [...new Set(actions.filter((action) => !OF_EVERY_FUNCTION.test(action)))].toSorted(),
    };
  });

  it('are all that there are, each with its place, its session and its permissions', async () => {
    const told = (await rowsOf('security.md', 'functions')).map(([name = '', inVpc, session = '', actions = '']) => ({
      name: inBackticks(name)[0],
      inVpc,
      session: inBackticks(session)[0] ?? '',
      actions: inBackticks(actions).toSorted(),
    }));
    expect(told.toSorted((a, b) => String(a.name).localeCompare(String(b.name)))).toEqual(
      functions.toSorted((a, b) => a.name.localeCompare(b.name)),
    );
  });

  it('are as many in the VPC as the document on deploying says', async () => {
    const text = await readFile(join(ROOT, 'docs/deploy.md'), 'utf8');
    const WORDS: Record<string, number> = { Nine: 9, fifteen: 15 };
    const [, inVpc = '', all = ''] = /(\w+) of the (\w+) functions run in your subnets/.exec(text) ?? [];
    expect([WORDS[inVpc], WORDS[all]]).toEqual([
      functions.filter((each) => each.inVpc === 'yes').length,
      functions.length,
    ]);
  });
});

describe('the counts in the document on deploying', () => {
  it.each([
    ['alarms', 'each cluster', () => countIn('orders', 'AWS::CloudWatch::Alarm')],
    ['dashboards', 'each cluster', () => countIn('orders', 'AWS::CloudWatch::Dashboard')],
    ['alarms', 'the platform', () => Object.keys(resourcesOf(platform, 'AWS::CloudWatch::Alarm')).length],
    ['dashboards', 'the platform', () => Object.keys(resourcesOf(platform, 'AWS::CloudWatch::Dashboard')).length],
  ])('of %s for %s is that of the template', async (what, whose, count) => {
    const row = (await rowsOf('deploy.md', 'counts')).find(([name, , of]) => name === what && of === whose);
    expect(Number.parseInt(row?.[1] ?? '', 10)).toBe(count());
  });

  it('of alarms without a login is one less', async () => {
    expect(countIn('plain', 'AWS::CloudWatch::Alarm')).toBe(9);
    const row = (await rowsOf('deploy.md', 'counts')).find(
      ([name, , of]) => name === 'alarms' && of === 'each cluster',
    );
    expect(row?.[1]).toContain('9 without a login');
  });
});

function countIn(cluster: string, type: string): number {
  const template = clusters[cluster];
  if (!template) throw new Error(`There is no stack of ${cluster}.`);
  return Object.keys(resourcesOf(template, type)).length;
}
