import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { parseClustersFile } from '../core/contracts/clusters.ts';
import { defineStacks, requireInstanceIds } from '../lib/app.ts';
import { bundleSteps } from '../lib/bundles/bundle-steps.ts';

const app = new App();
const config: string = app.node.tryGetContext('config') ?? 'clusters.json';
try {
  const file = parseClustersFile(readFileSync(config, 'utf8'), config);
  requireInstanceIds(file.clusters);
  defineStacks({ app, file, bundles: await bundleSteps(join(app.outdir, 'bundles')) });
} catch (error) {
  // A mistake in the configuration is for the reader of the terminal, who has no use for a stack trace.
  const { name, message, stack } = error as Error;
  const isMistake = name === 'InvalidInput' || (error as NodeJS.ErrnoException).code === 'ENOENT';
  console.error(isMistake ? `${name}: ${message}` : stack);
  process.exit(1);
}
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
