import { Clusters } from '../../client/clusters.ts';
import { type Analyzed, finishAnalysis } from '../analysis-report.ts';
import { type AnalyzeFlags, analysisRequest } from '../analysis-request.ts';
import { reportingProgress } from '../each-cluster.ts';
import { openOutput } from '../output.ts';
import { whileNothingChanges } from '../signals.ts';
import { withDeployment } from './connection.ts';
import { lookAt, registeredClusters, requireReadable } from './look.ts';

/** `etcd-remediation analyze --deployed`: the same, by the deployed function, which reaches what this machine may not. */
export async function analyzeDeployed(name: string, flags: AnalyzeFlags): Promise<void> {
  const output = openOutput(flags.json);
  using _ = whileNothingChanges();
  await withDeployment(flags, async (deployment) => {
    const [registered] = await registeredClusters(name, output);
    output.print(`Analyzing ${name} (nothing is changed)`);
    using __ = reportingProgress(output, () => `reading the keys of ${name}`);
    const analyzed = await lookAt<Analyzed>(
      async () => {
        if (registered) requireReadable(registered);
        return { cluster: name, analysis: await new Clusters(deployment).analyze(analysisRequest(name, flags)) };
      },
      (why) => ({ cluster: name, analysis: null, ...why }),
    );
    finishAnalysis(output, analyzed);
  });
}
