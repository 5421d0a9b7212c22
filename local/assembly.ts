import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import { atExit } from './at-exit.ts';
import type { MetricAlarm } from './aws/alarm-state.ts';
import type { Table } from './aws/dynamodb.ts';
import type { EventRule } from './aws/events.ts';
import type { Role } from './aws/iam.ts';
import type { MinutelySchedule, RecurringStart } from './event-sources.ts';
import type { LambdaFunction } from './lambda/host.ts';
import { readTemplate } from './template.ts';

/** The parts of the synthesized stacks that the embedded platform runs. */
export interface Assembly {
  functions: LambdaFunction[];
  /** Those of functions and of clusters. */
  roles: Role[];
  /** The Amazon States Language definitions, by state machine name. */
  stateMachines: Record<string, unknown>;
  rules: EventRule[];
  schedules: MinutelySchedule[];
  starts: RecurringStart[];
  alarms: MetricAlarm[];
  /** The ARNs of SNS topics. */
  topics: string[];
  tables: Table[];
  /** The names of S3 buckets. */
  buckets: string[];
  /** SSM parameters, by name. */
  parameters: Record<string, string>;
  /** The contents of SSM documents, by name. */
  documents: Record<string, unknown>;
  /** Removes the synthesized files. */
  close(): void;
}

/** The platform's stack as it is kept, and those of the clusters in `file`, synthesized and read back. */
export async function synthesize(file: ClustersFile): Promise<Assembly> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-remediation-assembly-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const forget = atExit(remove);
  const close = () => {
    forget();
    remove();
  };
  try {
    // Loaded only here, for they take a second: nobody should wait that long for --help or for a wrong option.
    const [{ App }, { defineClusters }, { keptPlatform }] = await Promise.all([
      import('aws-cdk-lib/core'),
      import('../lib/clusters.ts'),
      import('./kept-platform.ts'),
    ]);
    const platform = await keptPlatform(join(directory, 'platform'));
    // CloudFormation's rules are for what is deployed, where they are looked at; to load them takes seconds, which an outage does not have.
    const app = new App({ outdir: join(directory, 'cdk.out'), builtinCloudFormationValidation: false });
    defineClusters(app, { clusters: file.clusters });
    const templates = [platform, ...app.synth().stacks.map((stack) => readTemplate(stack))];
    return {
      functions: templates.flatMap((template) => template.functions),
      roles: templates.flatMap((template) => template.roles),
      stateMachines: Object.assign({}, ...templates.map((template) => template.stateMachines)),
      rules: templates.flatMap((template) => template.rules),
      schedules: templates.flatMap((template) => template.schedules),
      starts: templates.flatMap((template) => template.starts),
      alarms: templates.flatMap((template) => template.alarms),
      topics: templates.flatMap((template) => template.topics),
      tables: templates.flatMap((template) => template.tables),
      buckets: templates.flatMap((template) => template.buckets),
      parameters: Object.assign({}, ...templates.map((template) => template.parameters)),
      documents: Object.assign({}, ...templates.map((template) => template.documents)),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
