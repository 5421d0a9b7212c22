import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { synthesize } from '../local/assembly.ts';

/** Any cluster will do: a state machine is the same for all. */
const ANY_CLUSTER = {
  name: 'any',
  members: [{ name: 'node1', clientUrl: 'http://127.0.0.1:2379', peerUrl: 'http://127.0.0.1:2380' }],
  quotaBackendBytes: 2 ** 31,
};

/** Up to so many states that fail alike to the same state get an arrow each; more arrows would hide the way to success. */
const MOST_ARROWS = 2;

/**
 * How to read a page. What `States.ALL` does not stand for: the AWS page on handling errors,
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html. Of `States.DataLimitExceeded` see local/asl/retry.ts.
 */
const LEGEND = [
  'Drawn from the synthesized definition by `npm run docs`; a test compares the two. A dotted arrow shows where an error leads that no',
  `retry cures; where more than ${MOST_ARROWS} states fail alike to the same state, they share a dotted box. "Any error" is \`States.ALL\`, which stands`,
  'for all but `States.Runtime`. An error that no arrow takes ends the execution.',
];

/** What is drawn of a definition in the Amazon States Language. */
export interface Workflow {
  StartAt: string;
  States: Record<string, State>;
}

export interface StateMachine extends Workflow {
  Comment: string;
}

interface State {
  Type: string;
  Next?: string;
  Default?: string;
  Choices?: { Condition: string; Next: string }[];
  Catch?: { ErrorEquals: string[]; Next: string }[];
}

/** Where the errors of a state lead: `{from: 'Look at the holder', errors: 'any other error', to: 'Was the input wrong?'}`. */
interface Failure {
  from: string;
  errors: string;
  to: string;
}

/** The synthesized definitions, by the names of the state machines. */
export async function synthesizeStateMachines(): Promise<Record<string, StateMachine>> {
  const assembly = await synthesize({ clusters: [ANY_CLUSTER] });
  assembly.close();
  return assembly.stateMachines as Record<string, StateMachine>;
}

/** A page for each state machine, by file name: its purpose and its diagram in Mermaid. */
export function renderPages(stateMachines: Record<string, StateMachine>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(stateMachines).map(([name, machine]) => {
      const page = [`# ${name}`, '', `${machine.Comment}.`, '', ...LEGEND, '', ...fence(machine)];
      return [`${name.replace('etcd-remediation-', '')}.md`, page.join('\n')];
    }),
  );
}

function fence(workflow: Workflow): string[] {
  return ['```mermaid', ...draw(workflow), '```', ''];
}

/** The lines of a flowchart in Mermaid. `title` gives what stands in the box of a state, by its name. */
export function draw({ StartAt, States }: Workflow, title = (name: string) => name): string[] {
  const names = Object.keys(States);
  const id = (name: string) => `s${names.indexOf(name)}`;
  const box = ([name, { Type }]: [string, State]) => {
    const text = `"${mermaidText(title(name))}"`;
    if (Type === 'Choice') return `  ${id(name)}{${text}}`;
    if (Type === 'Succeed' || Type === 'Fail') return `  ${id(name)}([${text}])`;
    return `  ${id(name)}[${text}]`;
  };
  const edges = Object.entries(States).flatMap(([name, { Next, Default, Choices = [] }]) => [
    ...Choices.map((choice) => `  ${id(name)} -->|"${condition(choice.Condition)}"| ${id(choice.Next)}`),
    ...[Default, Next].filter((next) => next !== undefined).map((next) => `  ${id(name)} --> ${id(next)}`),
  ]);
  const alike = [...Map.groupBy(failures(States), ({ errors, to }) => `${errors} -> ${to}`).values()];
  const arrow = (from: string, { errors, to }: Failure) => `  ${from} -.->|"${errors}"| ${id(to)}`;
  const shared = alike
    .filter(({ length }) => length > MOST_ARROWS)
    .flatMap((group, index) => [
      `  e${index}["${group.map(({ from }) => mermaidText(title(from))).join(',<br>')}"]:::shared`,
      ...group.slice(0, 1).map((failure) => arrow(`e${index}`, failure)),
    ]);
  const own = alike.filter(({ length }) => length <= MOST_ARROWS).flat();
  return [
    'flowchart TD',
    `  start(( )) --> ${id(StartAt)}`,
    // Before the rest, for Mermaid then puts them beside it: arrows would lead across them where they come last.
    ...shared,
    ...Object.entries(States).map(box),
    ...edges,
    ...own.map((failure) => arrow(id(failure.from), failure)),
    ...(shared.length > 0 ? ['  classDef shared fill:none,stroke-dasharray:3'] : []),
  ];
}

/** In the order in which they are looked for. A catcher whose errors go where all others go is not told apart from these. */
function failures(states: Record<string, State>): Failure[] {
  return Object.entries(states).flatMap(([from, { Catch = [] }]) => {
    const all = Catch.find(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'));
    const named = Catch.filter(({ Next }) => Next !== all?.Next);
    return [
      ...named.map(({ ErrorEquals, Next }) => ({ from, errors: errorNames(ErrorEquals), to: Next })),
      ...(all ? [{ from, errors: named.length > 0 ? 'any other error' : 'any error', to: all.Next }] : []),
    ];
  });
}

/** Exceptions without their service: the state tells which it calls, and one that is caught in two spellings is still one error. */
function errorNames(errors: string[]): string {
  return [...new Set(errors.map((name) => name.replace(/^\w+\.(?=\w+Exception$)/, '')))].join(' or ');
}

/** `{% $next.action = 'Finish' %}` -> `next.action = 'Finish'` */
function condition(jsonata: string): string {
  return mermaidText(jsonata.replace(/^\{%\s*|\s*%\}$/g, '').replace(/\$(?=\w)/g, ''));
}

/** What would end a label of Mermaid, or be taken for HTML in it. */
function mermaidText(text: string): string {
  return text.replace(/#/g, '#35;').replace(/"/g, '#quot;').replace(/</g, '#lt;').replace(/>/g, '#gt;');
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, page] of Object.entries(renderPages(await synthesizeStateMachines()))) {
    await writeFile(join(import.meta.dirname, 'workflows', file), page);
  }
}
