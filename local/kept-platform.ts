import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Network } from '../core/cluster/clusters-file.ts';
import { MODULE_FOLDERS } from './module-folders.ts';
import { readTemplate, type Template } from './template.ts';

const ROOT = join(import.meta.dirname, '..');
/** Whatever ends in a function, a state machine or a document comes from these. */
const SOURCES = ['core', 'client', 'report', 'lambdas', 'lib', 'documents', 'local'];
/** What npm has installed, letter by letter. */
const INSTALLED = MODULE_FOLDERS.map((folder) => join(folder, '.package-lock.json')).find((file) => existsSync(file));
/** Nowhere, where nothing says what is installed. */
const KEPT = INSTALLED === undefined ? undefined : join(dirname(INSTALLED), '.cache/etcd-remediation/platform');
const FILE = 'platform.json';
/** Each running process says so each hour, so nothing that old is in use: `serve` may be at work for months, while others use newer sources. */
const SAYS_SO_EVERY_MS = 3600 * 1000;
const FORGOTTEN_AFTER_MS = 7 * 24 * 3600 * 1000;

/** Functions run on this machine: where the deployed ones would be placed is never looked at. */
const NO_NETWORK: Network = {
  vpcId: 'vpc-00000000',
  subnetIds: ['subnet-00000000'],
  securityGroupIds: [],
  clientPorts: [2379],
};

/**
 * The platform's stack, which is the same for all clusters. It is kept as an earlier process has synthesized and bundled it, and made again if
 * anything has changed: in an outage each second counts. The bundles always lie at the same place, where Node finds what it has compiled of them.
 * @param otherwise where all is made if nothing can be kept; it does not exist yet
 * @param folder where it is kept, beside what is kept of other sources
 */
export async function keptPlatform(otherwise: string, folder = KEPT): Promise<Template> {
  if (folder === undefined || INSTALLED === undefined) return makeAt(otherwise);
  const kept = join(folder, await hashOfSources(INSTALLED));
  try {
    return await use(kept);
  } catch {
    // Not made yet, or not whole; or it is another's, who may forget it.
  }
  const half = `${kept}.${process.pid}`;
  try {
    await mkdir(folder, { recursive: true });
    await forget(folder);
    await make(half);
    await rename(half, kept);
  } catch {
    // Another process was quicker; or nothing can be written here.
    await rm(half, { recursive: true, force: true }).catch(() => undefined);
  }
  try {
    return await use(kept);
  } catch {
    return makeAt(otherwise);
  }
}

async function makeAt(folder: string): Promise<Template> {
  await make(folder);
  return read(folder);
}

/** Those that this process runs. */
const inUse = new Set<string>();

async function use(kept: string): Promise<Template> {
  const template = await read(kept);
  const sayUsed = () => utimes(kept, new Date(), new Date());
  await sayUsed();
  if (!inUse.has(kept)) setInterval(() => void sayUsed().catch(() => undefined), SAYS_SO_EVERY_MS).unref();
  inUse.add(kept);
  return template;
}

async function make(folder: string): Promise<void> {
  // Loaded only here, for they take a second.
  const [{ App }, { DISABLE_ASSET_STAGING_CONTEXT }, { defineStacks }, { bundleSteps }] = await Promise.all([
    import('aws-cdk-lib/core'),
    import('aws-cdk-lib/cx-api'),
    import('../lib/app.ts'),
    import('../lib/bundles/bundle-steps.ts'),
  ]);
  const app = new App({
    outdir: join(folder, 'cdk.out'),
    // CloudFormation's rules are for what is deployed, where they are looked at; to load them takes seconds.
    builtinCloudFormationValidation: false,
    // Functions are run from where the bundles lie: nothing is copied.
    context: { [DISABLE_ASSET_STAGING_CONTEXT]: true },
  });
  const bundles = await bundleSteps(join(folder, 'bundles'));
  defineStacks({ app, file: { clusters: [], network: NO_NETWORK }, bundles });
  const [stack] = app.synth().stacks;
  if (!stack) throw new Error('The platform has no stack.');
  const template = readTemplate(stack);
  const functions = template.functions.map((each) => ({ ...each, codeDir: relative(folder, each.codeDir) }));
  await rm(app.outdir, { recursive: true });
  await writeFile(join(folder, FILE), JSON.stringify({ ...template, functions }));
}

async function read(folder: string): Promise<Template> {
  const template = JSON.parse(await readFile(join(folder, FILE), 'utf8')) as Template;
  return {
    ...template,
    functions: template.functions.map((each) => ({ ...each, codeDir: join(folder, each.codeDir) })),
  };
}

async function hashOfSources(installed: string): Promise<string> {
  const folders = await Promise.all(SOURCES.map((folder) => readdir(join(ROOT, folder), { recursive: true })));
  const files = SOURCES.flatMap((folder, index) => (folders[index] ?? []).map((file) => join(folder, file)))
    .filter((file) => /\.([jt]s|sh)$/.test(file))
    .sort();
  const hash = createHash('sha256');
  hash.update(await readFile(installed));
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(ROOT, file)));
  return hash.digest('hex').slice(0, 32);
}

async function forget(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > FORGOTTEN_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}
