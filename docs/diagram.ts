import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { synthesize } from '../local/assembly.ts';

/** Any cluster will do: a state machine is the same for all. */
const ANY_CLUSTER = {
  name: 'any',
  members: [{ name: 'node1', clientUrl: 'http://127.0.0.1:2379', peerUrl: 'http://127.0.0.1:2380' }],
  quotaBackendBytes: 2 ** 31,
};

interface State {
  Type: string;
  Next?: string;
  Default?: string;
  Choices?: { Condition: string; Next: string }[];
  Catch?: { Next: string }[];
}

/** A page for each synthesized state machine, by file name: its purpose and its diagram in Mermaid. */
export async function renderPages(): Promise<Record<string, string>> {
  const assembly = await synthesize({ clusters: [ANY_CLUSTER] });
  try {
    return Object.fromEntries(
      Object.entries(assembly.stateMachines).map(([name, definition]) => {
        const { Comment, StartAt, States } = definition as {
          Comment: string;
          StartAt: string;
          States: Record<string, State>;
        };
        const page = [
          `# ${name}`,
          '',
          `${Comment}.`,
          '',
          'Drawn from the synthesized definition by `npm run docs`; a test compares the two. Where an error leads that no retry cures is',
          'shown once, from the first state that it leads there from.',
          '',
          '```mermaid',
          'flowchart TD',
          ...render(StartAt, States),
          '```',
          '',
        ];
        return [`${name.replace('etcd-remediation-', '')}.md`, page.join('\n')];
      }),
    );
  } finally {
    assembly.close();
  }
}

function render(startAt: string, states: Record<string, State>): string[] {
  const names = Object.keys(states);
  const id = (name: string) => `s${names.indexOf(name)}`;
  const nodes = Object.entries(states).map(([name, { Type }]) => {
    if (Type === 'Choice') return `  ${id(name)}{"${name}"}`;
    if (Type === 'Succeed' || Type === 'Fail') return `  ${id(name)}(["${name}"])`;
    return `  ${id(name)}["${name}"]`;
  });
  const edges = Object.entries(states).flatMap(([name, { Next, Default, Choices = [] }]) => [
    ...Choices.map((choice) => `  ${id(name)} -->|"${label(choice.Condition)}"| ${id(choice.Next)}`),
    ...[Default, Next].filter((next) => next !== undefined).map((next) => `  ${id(name)} --> ${id(next)}`),
  ]);
  const failures = Object.entries(states).flatMap(([name, { Catch = [] }]) =>
    Catch.map(({ Next }) => ({ name, Next })),
  );
  const firstOfEach = failures.filter(
    ({ Next }, index) => failures.findIndex((other) => other.Next === Next) === index,
  );
  return [
    `  start(( )) --> ${id(startAt)}`,
    ...nodes,
    ...edges,
    ...firstOfEach.map(({ name, Next }) => `  ${id(name)} -.->|"any error"| ${id(Next)}`),
  ];
}

/** `{% $next.action = 'Finish' %}` -> `next.action = Finish` */
function label(condition: string): string {
  return condition.replace(/^\{%\s*|\s*%\}$/g, '').replace(/[$']/g, '');
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, page] of Object.entries(await renderPages())) {
    await writeFile(join(import.meta.dirname, 'workflows', file), page);
  }
}
