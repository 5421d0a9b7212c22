import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KNOWN_DEFECTS, type KnownDefect } from '../core/cluster/known-defects.ts';

const HARMS: Readonly<Record<KnownDefect['harm'], string>> = {
  data: 'Data is lost, or differs among members',
  outage: 'A member does not run, or cannot be changed',
  clients: 'Clients read or watch what is not so',
  access: 'Somebody may do what they should not',
};

const ONLY_WITH: Readonly<Record<NonNullable<KnownDefect['onlyWith']>, string>> = {
  auth: 'Only with authentication.',
  learner: 'Only with a learner.',
  'one voter': 'Only in a cluster of one voter.',
  'untrusted clients': 'Only if clients that are not trusted reach a port of a member.',
  upgrade: 'While it is upgraded.',
};

const INTRODUCTION = [
  '# Known defects of etcd',
  '',
  'What hits a release of etcd, and which patch release ends it, up to 3.7.3. `npm run docs` makes this page from',
  '`core/cluster/known-defects.ts`. Each row was held against the page that it links to, and against the tags of',
  "etcd's repository. It is no list of all defects: only of those that matter to whoever runs a cluster.",
  '',
  "`diagnose` warns of those that an upgrade of the cluster's release ends: `known-defect`. It leaves out what does not",
  'matter to the cluster, and what no patch of its minor release ends. 3.4 and older get no patches any more.',
  '',
  '"3.5.1 to 3.5.19" means that 3.5.20 ends it. "3.6.0 and later" means that no patch of 3.6 does.',
  '',
];

/** docs/known-defects.md as it has to be. */
export function renderKnownDefects(): string {
  const sections = (Object.keys(HARMS) as KnownDefect['harm'][]).flatMap((harm) => {
    const rows = (KNOWN_DEFECTS as readonly KnownDefect[]).filter((defect) => defect.harm === harm);
    return [
      `## ${HARMS[harm]}`,
      '',
      '| releases | what happens | what to do | source |',
      '| --- | --- | --- | --- |',
      ...rows.map(rowOf),
      '',
    ];
  });
  return [...INTRODUCTION, ...sections].join('\n');
}

function rowOf({ affects, what, onlyWith, meanwhile, runbook, source }: KnownDefect): string {
  const happens = `${what.charAt(0).toUpperCase()}${what.slice(1)}.${onlyWith ? ` ${ONLY_WITH[onlyWith]}` : ''}`;
  const todo = `${meanwhile}${runbook ? ` ${runbook}` : ''}`;
  const name = source.split('/').slice(-1)[0] ?? '';
  const link = `[${/^\d/.test(name) ? `#${name}` : name}](${source})`;
  return `| ${Object.entries(affects).map(rangeOf).join(', ')} | ${happens} | ${todo} | ${link} |`;
}

function rangeOf([minor, [first, fixed]]: [string, readonly [number, number | null]]): string {
  if (fixed === null) return `${minor}.${first} and later`;
  return fixed - first === 1 ? `${minor}.${first}` : `${minor}.${first} to ${minor}.${fixed - 1}`;
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(join(import.meta.dirname, 'known-defects.md'), renderKnownDefects());
}
