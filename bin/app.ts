import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// What V8 has compiled is kept, so that the next synthesis has to compile nothing.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/etcd-remediation/compiled'));
const [
  { App },
  { InvalidInput },
  { parseClustersFile },
  { requireDeployable },
  { requireWithinLimits, synthesizedStack },
] = await Promise.all([
  import('aws-cdk-lib/core'),
  import('../core/errors.ts'),
  import('../core/remediation/policy.ts'),
  import('../lib/deployable.ts'),
  import('../lib/limits.ts'),
]);

/** The CDK's feature flags with which this was tested, wherever it is run from. */
const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../cdk.json'), 'utf8'));
// CloudFormation's rules judge what lib makes, whosever clusters it makes it for: a test asks them, and those of cdk-nag, of all that a
// configuration can have. Here they would take most of the time.
const app = new App({ context, builtinCloudFormationValidation: false });
const config: string = app.node.tryGetContext('config') ?? 'clusters.json';
/** One cluster's stack alone: a fleet has a thousand, and one of them has changed. */
const only: string | undefined = app.node.tryGetContext('cluster');
try {
  const file = parseClustersFile(read(config), config);
  requireDeployable(file);
  if (only === undefined) {
    const { bundleSteps } = await import('../lib/bundles/bundle-steps.ts');
    // esbuild has a process of its own, which works while this one loads.
    const bundling = bundleSteps(join(app.outdir, 'bundles'));
    const [bundles, { defineStacks }] = await Promise.all([bundling, import('../lib/app.ts')]);
    defineStacks({ app, file, bundles });
  } else {
    const { defineClusterAlone } = await import('../lib/app.ts');
    defineClusterAlone(app, file, only);
  }
  const { stacks } = app.synth();
  requireWithinLimits(stacks.map(synthesizedStack), file.quotas);
} catch (error) {
  // A mistake in the configuration is for the reader of the terminal, who has no use for a stack trace.
  const { name, message, stack } = error as Error;
  console.error(name === 'InvalidInput' ? `${name}: ${message}` : stack);
  process.exit(1);
}

/** @throws InvalidInput where it is not there, or may not be read */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidInput(`${path} cannot be read: ${(error as Error).message}`);
  }
}
