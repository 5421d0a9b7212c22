import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../cli/main.ts';
import { ROOT } from '../lib/stacks.ts';

interface Page {
  path: string;
  text: string;
  /** Without blocks of code. */
  prose: string;
}

const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
const PAGES: Page[] = [];
for await (const path of glob(['*.md', 'docs/**/*.md'], { cwd: ROOT })) {
  const text = await readFile(join(ROOT, path), 'utf8');
  PAGES.push({ path, text, prose: text.replace(/```[\s\S]*?```/g, '') });
}
const NAMES = PAGES.map(({ path }) => path).toSorted();
const HAND_WRITTEN = NAMES.filter((path) => !path.startsWith('docs/workflows/') && path !== 'docs/performance.md');

/** As GitHub makes anchors of headings. */
function anchorsOf({ prose }: Page): string[] {
  const seen = new Map<string, number>();
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\-_ ]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
}

function pageAt(path: string): Page {
  const page = PAGES.find((each) => each.path === path);
  if (!page) throw new Error(`There is no page ${path}.`);
  return page;
}

/** Where a link leads, if not to somewhere; undefined for one that is right. */
function faultOf(link: string, from: string): string | undefined {
  const [, file = '', anchor = ''] = /^([^#]*)#?(.*)$/.exec(link) ?? [];
  const path = file === '' ? from : normalize(join(dirname(from), file));
  if (!existsSync(join(ROOT, path))) return `${link}: there is no ${path}`;
  return anchor === '' || anchorsOf(pageAt(path)).includes(anchor) ? undefined : `${link}: no such heading`;
}

describe('the pages', () => {
  it.each(NAMES)('%s has no link that leads nowhere', (path) => {
    const links = [
      ...pageAt(path)
        .prose.replace(/`[^`]*`/g, '')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ].map(([, to = '']) => to);
    const own = links.filter((link) => !/^https?:/.test(link));
    expect(own.flatMap((link) => faultOf(link, path) ?? [])).toEqual([]);
  });

  it.each(HAND_WRITTEN)('%s names no file of this repository that is not there', (path) => {
    const named = [
      ...pageAt(path).prose.matchAll(
        /`((?:bin|core|lib|client|lambdas|documents|local|drills|cli|bench|docs|test|findings)\/[\w./-]*)`/g,
      ),
    ];
    const missing = named.map(([, file = '']) => file).filter((file) => !existsSync(join(ROOT, file)));
    expect(missing.filter((file) => file !== 'docs/performance.md')).toEqual([]);
  });

  it('begin with a page of at most 150 lines', () => {
    expect(pageAt('README.md').text.split('\n').length).toBeLessThanOrEqual(150);
  });

  it.each(HAND_WRITTEN)('%s has no line of prose that is longer than 120 characters', (path) => {
    const lines = pageAt(path).prose.split('\n');
    // A table has a line for each row, however long; a link that is defined at the end is one word.
    expect(lines.filter((line) => line.length > 120 && !/^\||^\[[^\]]+\]: /.test(line))).toEqual([]);
  });
});

/** What a page tells its reader to type: in blocks, and in the middle of a sentence. */
function commandsOf({ text }: Page): string[] {
  const blocks = [...text.matchAll(/```(?:sh|text)\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.split('\n'));
  const spans = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  return [...blocks, ...spans]
    .flatMap((line) => line.replaceAll('\n', ' ').split(/ && |; /))
    .map((line) => line.replace(/\s+#.*$/, '').replace(/^[\s$]*/, ''))
    .filter((line) => /^(npx --no (-- )?etcd-remediation|npx cdk|npm run) ./.test(line));
}

function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|[^\s[\]]+/g)].map(
    ([word, double, single]) => double ?? single ?? word,
  );
}

/** @throws CommanderError for what the command line would refuse */
async function parse(words: readonly string[]): Promise<void> {
  const program = createProgram();
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {} }).action(() => {});
  }
  // It has to be an address of this machine.
  const typed = words.map((word, index) => (words[index - 1] === '--staging-address' ? '127.0.0.1' : word));
  await program.parseAsync(['node', 'etcd-remediation', ...typed]).catch((error) => {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  });
}

async function refusalOf(command: string): Promise<string | undefined> {
  const [tool, , ...words] = wordsOf(command.replace(/^npx --no (-- )?/, 'npx '));
  try {
    if (tool === 'npx' && /^npx --no (-- )?etcd-remediation/.test(command)) await parse(words);
    else if (tool === 'npx') requireStacks(words);
    else await requireScript(words);
    return undefined;
  } catch (error) {
    return `${command}: ${(error as Error).message}`;
  }
}

/** @throws Error for a command that the CDK does not have, or a stack that is none of ours */
function requireStacks([command = '', ...words]: readonly string[]): void {
  if (!['bootstrap', 'deploy', 'destroy', 'diff', 'synth'].includes(command)) throw new Error(`no command ${command}`);
  if (command === 'bootstrap') return;
  const stacks = words.filter(
    (word, index) => !word.startsWith('-') && !/^(-c|--concurrency)$/.test(words[index - 1] ?? ''),
  );
  const other = stacks.find((stack) => !/^EtcdRemediation(-(orders|NAME|<cluster>))?$/.test(stack));
  if (other) throw new Error(`no stack ${other}`);
}

/** @throws Error for a script that package.json does not have, or what its command refuses */
async function requireScript(words: readonly string[]): Promise<void> {
  const [script = '', dashes, ...options] = words.filter((word) => word !== '--silent');
  if (!Object.hasOwn(scripts, script)) throw new Error(`package.json has no script ${script}`);
  if (script === 'drill' && dashes === '--') await parse(['drill', ...options]);
}

describe('the commands of the pages', () => {
  it('ask no registry for the package: its name there is not ours', async () => {
    const texts = [...PAGES];
    for await (const path of glob('{bin,cli,client,core,lambdas,lib,examples}/**/*', { cwd: ROOT })) {
      if (/\.\w+$/.test(path)) texts.push({ path, text: await readFile(join(ROOT, path), 'utf8'), prose: '' });
    }
    const wrong = texts.flatMap(({ path, text }) => {
      // What begins with "-" right after the name, npx takes for its own: `npx --no -- etcd-remediation --version`.
      const typed = text.matchAll(
        /(?:npx(?: --no(?= etcd-remediation -))?|npm (?:exec|i|install|add)|yarn add|pnpm add)(?: -\w+)* etcd-remediation\b.*/g,
      );
      return [...typed].map(([line]) => `${path}: ${line}`);
    });
    expect(texts.length).toBeGreaterThan(300);
    expect(wrong).toEqual([]);
  });

  it.each(HAND_WRITTEN)('%s has none that would be refused', async (path) => {
    const refusals = await Promise.all(commandsOf(pageAt(path)).map(refusalOf));
    expect(refusals.filter((refusal) => refusal !== undefined)).toEqual([]);
  });

  it.each([
    ['npx --no etcd-remediation start', "missing required argument 'cluster'"],
    ['npx --no etcd-remediation stop ID', "required option '--reason <text>' not specified"],
    ['npx --no etcd-remediation run orders --approved', "unknown option '--approved'"],
    ['npm run drill -- space-exceded', 'There is: '],
    ['npm run benchmark', 'no script benchmark'],
    ['npx cdk deploy EtcdRemediaton', 'no stack EtcdRemediaton'],
  ])('of which this one would be: %s', async (command, why) => {
    expect(await refusalOf(command)).toContain(why);
  });
});
