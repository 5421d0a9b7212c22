import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { draw, renderPages, synthesizeStateMachines, type Workflow } from '../../docs/diagram.ts';

const DYNAMODB_SPELLINGS = ['DynamoDb.ConditionalCheckFailedException', 'DynamoDB.ConditionalCheckFailedException'];

/** The dotted arrows of a flowchart, by the names of the states; one for each state of a shared box. */
function dottedArrows(lines: string[]) {
  const titles = new Map(
    lines.flatMap((line) => {
      const [, id = '', title = ''] = /^ {2}([es]\d+)\W+"(.*?)"/.exec(line) ?? [];
      return id === '' || line.includes('>|') ? [] : [[id, title.split(',<br>')]];
    }),
  );
  return lines.flatMap((line) => {
    const [, from = '', errors = '', to = ''] = /^ {2}(\w+) -\.->\|"(.*)"\| (\w+)$/.exec(line) ?? [];
    return (titles.get(from) ?? []).map((title) => `${title} -${errors}-> ${titles.get(to)}`);
  });
}

/** From where to where, whatever the error. */
function ways(arrows: string[]): Set<string> {
  return new Set(arrows.map((arrow) => arrow.replace(/ -.*-> /, ' -> ')));
}

/** A Task with these catchers, and a state for each of these to lead to. */
function tasks(catchers: Record<string, [string[], string][]>): Workflow {
  const ends = Object.values(catchers).flatMap((all) => all.map(([, next]) => [next, { Type: 'Fail' }]));
  const states = Object.entries(catchers).map(([name, all]) => [
    name,
    { Type: 'Task', Catch: all.map(([ErrorEquals, Next]) => ({ ErrorEquals, Next })) },
  ]);
  return { StartAt: Object.keys(catchers)[0] ?? '', States: Object.fromEntries([...ends, ...states]) };
}

describe('the diagrams in docs/workflows', () => {
  let pages: Record<string, string>;
  let workflows: [string, Workflow][];

  beforeAll(async () => {
    const stateMachines = await synthesizeStateMachines();
    pages = renderPages(stateMachines);
    workflows = Object.entries(stateMachines);
  });

  it('show the synthesized state machines (npm run docs draws them anew)', async () => {
    for (const [file, page] of Object.entries(pages)) {
      expect(await readFile(join(import.meta.dirname, '../../docs/workflows', file), 'utf8')).toBe(page);
    }
  });

  it('draw every catcher of every state, and nothing that no catcher takes', () => {
    for (const [name, workflow] of workflows) {
      const catchers = Object.entries(workflow.States).flatMap(([state, { Catch = [] }]) =>
        Catch.map(({ ErrorEquals, Next }) => ({ way: `${state} -> ${Next}`, all: ErrorEquals.includes('States.ALL') })),
      );
      const arrows = dottedArrows(draw(workflow));
      expect(ways(arrows), name).toEqual(new Set(catchers.map(({ way }) => way)));
      expect(ways(arrows.filter((arrow) => / -any (other )?error-> /.test(arrow))), name).toEqual(
        new Set(catchers.filter(({ all }) => all).map(({ way }) => way)),
      );
    }
  });

  it('tell the lock that is held from the one that cannot be asked for', () => {
    const arrows = dottedArrows((pages['etcd-remediation.md'] ?? '').split('\n'));
    expect(arrows).toEqual(
      expect.arrayContaining([
        'Take the lock -ConditionalCheckFailedException-> Who holds the lock?',
        'Take the lock -any other error-> Was the input wrong?',
        'Look at the holder -ExecutionDoesNotExistException-> Take over the lock',
        'Look at the holder -any other error-> Was the input wrong?',
        'Wait for an approval -States.Timeout-> Is there time left to answer?',
        'Wait for an approval -any other error-> Record the error',
      ]),
    );
  });
});

describe('a drawn workflow', () => {
  it('names a caught error once, whichever way its service is spelt, and calls the rest any other error', () => {
    const workflow = tasks({
      Take: [
        [DYNAMODB_SPELLINGS, 'Held'],
        [['States.ALL'], 'Failed'],
      ],
    });
    expect(dottedArrows(draw(workflow))).toEqual([
      'Take -ConditionalCheckFailedException-> Held',
      'Take -any other error-> Failed',
    ]);
  });

  it('keeps apart the errors that one catcher names', () => {
    const workflow = tasks({ Ask: [[['States.Timeout', 'Lambda.Unknown'], 'Again']] });
    expect(dottedArrows(draw(workflow))).toEqual(['Ask -States.Timeout or Lambda.Unknown-> Again']);
  });

  it('calls all errors any error where the named ones go the same way', () => {
    const workflow = tasks({
      Record: [
        [DYNAMODB_SPELLINGS, 'Release'],
        [['States.ALL'], 'Release'],
      ],
    });
    expect(dottedArrows(draw(workflow))).toEqual(['Record -any error-> Release']);
  });

  it('lets states share an arrow only where they fail alike, to the same state', () => {
    const stop: [string[], string] = [['States.ALL'], 'Stop'];
    const lines = draw(tasks({ A: [stop], B: [stop], C: [stop], D: [[['States.Timeout'], 'Late'], stop] }));
    expect(lines.filter((line) => line.includes('-.->'))).toHaveLength(3);
    expect(dottedArrows(lines)).toEqual([
      'A -any error-> Stop',
      'B -any error-> Stop',
      'C -any error-> Stop',
      'D -States.Timeout-> Late',
      'D -any other error-> Stop',
    ]);
  });

  it('keeps the quotes of a condition, and writes as entities what Mermaid would take for its own', () => {
    const conditions = ["{% $holder.execution = '' %}", '{% $count($left) < 2 and $name != "#1" %}'];
    const lines = draw({
      StartAt: 'Ask',
      States: {
        Ask: { Type: 'Choice', Choices: conditions.map((Condition) => ({ Condition, Next: 'Done' })) },
        Done: { Type: 'Succeed' },
      },
    });
    expect(lines).toContain(`  s0 -->|"holder.execution = ''"| s1`);
    expect(lines).toContain('  s0 -->|"count(left) #lt; 2 and name != #quot;#35;1#quot;"| s1');
  });
});
