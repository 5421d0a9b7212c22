import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// What V8 has compiled is kept, so that the next synthesis starts in half the time.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/etcd-remediation/compiled'));
const [{ App }, { parseClustersFile }, { defineClusterAlone, defineStacks, requireDeployable }, limits] =
  await Promise.all([
    import('aws-cdk-lib/core'),
    import('../core/remediation/policy.ts'),
    import('../lib/app.ts'),
    import('../lib/limits.ts'),
  ]);

// CloudFormation's rules judge what lib makes, whosever clusters it makes it for: a test asks them, and those of cdk-nag, of all that a
// configuration can have. Here they would take most of the time.
const app = new App({ builtinCloudFormationValidation: false });
const config: string = app.node.tryGetContext('config') ?? 'clusters.json';
/** One cluster's stack alone: a fleet has a thousand, and one of them has changed. */
const only: string | undefined = app.node.tryGetContext('cluster');
try {
  const file = parseClustersFile(readFileSync(config, 'utf8'), config);
  requireDeployable(file);
  if (only === undefined) {
    const { bundleSteps } = await import('../lib/bundles/bundle-steps.ts');
    defineStacks({ app, file, bundles: await bundleSteps(join(app.outdir, 'bundles')) });
  } else defineClusterAlone(app, file, only);
  const { stacks } = app.synth();
  limits.requireWithinLimits(stacks.map(limits.synthesizedStack), file.quotas);
} catch (error) {
  // A mistake in the configuration is for the reader of the terminal, who has no use for a stack trace.
  const { name, message, stack } = error as Error;
  const isMistake = name === 'InvalidInput' || (error as NodeJS.ErrnoException).code === 'ENOENT';
  console.error(isMistake ? `${name}: ${message}` : stack);
  process.exit(1);
}
