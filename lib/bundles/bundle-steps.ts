import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { type FunctionName, STEPS_OF } from '../steps.ts';
import { etcdClient } from './etcd-client.ts';

const LAMBDAS = join(import.meta.dirname, '../../lambdas');
/** `.ts` in a clone, and `.js` where the package was built. */
const SOURCE = extname(import.meta.filename);
const FILE = 'index.cjs';
/** The functions that run no steps, each with a handler of its own. */
const OTHERS = ['api', 'reports'];
/** Whichever step it runs, a function needs these: they are loaded with it, and no event waits for them. */
const NEEDED_BY_ALL: Readonly<Partial<Record<FunctionName, readonly string[]>>> = {
  configuration: ['@aws-sdk/client-ssm', `../core/runbooks${SOURCE}`, `./registry${SOURCE}`],
  etcd: [`./etcd/cluster${SOURCE}`],
  'etcd-long': [`./etcd/cluster${SOURCE}`],
  'run-command': ['@aws-sdk/client-ssm', '@aws-sdk/client-sts'],
  transfers: ['@aws-sdk/client-ssm', '@aws-sdk/client-sts'],
};
/** Before a function's name: its entry point is no file. */
const ENTRY = 'steps-of:';

/** A folder for each function of `lib/steps.ts`, for the `api` and for the `reports`, that holds `index.cjs` with the export `handler`. */
export type StepBundles = Readonly<Record<string, string>>;

/** The text of each, by the same names: kept as the process's sources are. */
let built: Promise<Readonly<Record<string, string>>> | undefined;

/** Bundles the steps of each function, the API, and what makes reports, into a folder of its own below `outDir`. */
export async function bundleSteps(outDir: string): Promise<StepBundles> {
  built ??= buildSteps();
  const bundles = await built;
  await rm(outDir, { recursive: true, force: true });
  for (const [name, contents] of Object.entries(bundles)) {
    await mkdir(join(outDir, name), { recursive: true });
    await writeFile(join(outDir, name, FILE), contents);
  }
  return Object.fromEntries(Object.keys(bundles).map((name) => [name, join(outDir, name)]));
}

/**
 * One call of esbuild's API instead of NodejsFunction, which runs esbuild's command line and so takes no plugins. CommonJS,
 * as etcd3 and grpc-js are; `.cjs`, so that no package.json nearby changes what it is. The AWS SDK is the Lambda runtime's own, but for S3.
 */
async function buildSteps(): Promise<Readonly<Record<string, string>>> {
  const sources = {
    ...Object.fromEntries(Object.keys(STEPS_OF).map((name) => [name, `${ENTRY}${name}`])),
    ...Object.fromEntries(OTHERS.map((name) => [name, join(LAMBDAS, name, `handler${SOURCE}`)])),
  };
  const { outputFiles } = await build({
    entryPoints: Object.entries(sources).map(([name, source]) => ({ in: source, out: join(name, 'index') })),
    outdir: LAMBDAS,
    write: false,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // An import() that stays one would not find the runtime's AWS SDK, which is on NODE_PATH.
    supported: { 'dynamic-import': false },
    // No page of AWS says that the runtime has what presigns URLs, and that has to be of the same version as its client of S3.
    external: ['dynamodb', 'lambda', 'secrets-manager', 'sfn', 'ssm', 'sts'].map((name) => `@aws-sdk/client-${name}`),
    // As ES modules, of which only what is used gets into the bundle: the client of S3 is half a megabyte.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [entryPoints(), etcdClient()],
  });
  return Object.fromEntries(outputFiles.map(({ path, text }) => [basename(dirname(path)), text]));
}

/** The entry point of each function: the handler that runs one of its steps, whose module it loads first; the module of an only step at once. */
function entryPoints(): Plugin {
  return {
    name: 'entry-points',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${ENTRY}`) }, ({ path }) => ({
        path: path.slice(ENTRY.length),
        namespace: ENTRY,
      }));
      build.onLoad({ filter: /.*/, namespace: ENTRY }, ({ path }) => {
        const name = path as FunctionName;
        const steps = STEPS_OF[name];
        const fileOf = (step: string) => `./steps/${step}${SOURCE}`;
        const modules = steps.map((step) => `'${step}': () => import('${fileOf(step)}')`);
        const atOnce = [...(NEEDED_BY_ALL[name] ?? []), ...(steps.length === 1 ? steps.map(fileOf) : [])];
        const contents = [
          ...atOnce.map((module) => `import '${module}';`),
          `import { handlerOf } from './handler${SOURCE}';`,
          `export const handler = handlerOf({ ${modules.join(', ')} });`,
        ].join(' ');
        return { contents, resolveDir: LAMBDAS };
      });
    },
  };
}
