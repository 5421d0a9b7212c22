import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { parseClustersFile } from '../core/remediation/policy.ts';
import { defineClusterAlone, defineStacks } from '../lib/app.ts';
import { bundleSteps } from '../lib/bundles/bundle-steps.ts';
import { requireDeployable } from '../lib/deployable.ts';
import { requireWithinLimits, synthesizedStack } from '../lib/limits.ts';

/** The CDK's feature flags with which this was tested, wherever it is run from. */
const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../cdk.json'), 'utf8'));
const app = new App({ context });
const config: string = app.node.tryGetContext('config') ?? 'clusters.json';
/** One cluster's stack alone: a fleet has a thousand, and one of them has changed. */
const only: string | undefined = app.node.tryGetContext('cluster');
try {
  const file = parseClustersFile(readFileSync(config, 'utf8'), config);
  requireDeployable(file);
  if (only === undefined) defineStacks({ app, file, bundles: await bundleSteps(join(app.outdir, 'bundles')) });
  else defineClusterAlone(app, file, only);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const { stacks } = app.synth();
  requireWithinLimits(stacks.map(synthesizedStack), file.quotas);
} catch (error) {
  // A mistake in the configuration is for the reader of the terminal, who has no use for a stack trace.
  const { name, message, stack } = error as Error;
  const isMistake = name === 'InvalidInput' || (error as NodeJS.ErrnoException).code === 'ENOENT';
  console.error(isMistake ? `${name}: ${message}` : stack);
  process.exit(1);
}
