import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { FunctionAccess } from '../core/cluster/cluster-role.ts';
import { DETECTOR_FUNCTION } from '../core/diagnosis/detection.ts';
import type { StepBundles } from './bundles/bundle-steps.ts';
import {
  FOLLOW_COMMANDS,
  grantClusters,
  grantRegistry,
  grantRunbooks,
  grantUnnamed,
  LOOK_FOR_HOSTS,
} from './grants.ts';
import { named } from './names.ts';
import type { StagingBucket } from './staging-bucket.ts';
import { type Step, StepFunction, type StepNetwork } from './step-function.ts';
import { type FunctionName, functionOf, type StepName } from './steps.ts';

export interface StepFunctionsProps {
  bundles: StepBundles;
  network: StepNetwork;
  staging: StagingBucket;
}

/** For steps that wait for etcd to work through a large database; one minute below Lambda's own limit. */
const LONG = Duration.minutes(14);
/** A few questions to each of up to seven members, each with a deadline of 5 s. */
const SHORT = Duration.minutes(5);
/** For what disables and enables authentication, and for the detector: one that hangs there is cut off soon, and run again. */
const BRIEF = Duration.minutes(1);
/** gRPC and TLS start in about half the time that 256 MiB take; a quarter of a core is enough for the rest. */
const MEMORY_MIB = 512;
/** A whole processor, which Lambda gives at this: a backup is compressed on its way. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const WHOLE_PROCESSOR_MIB = 1_769;
/**
 * V8 frees the buffers that have passed when it runs out of room for new objects, of which each buffer needs next to none. With 2 MiB of such room in place
 * of 16 a backup of 512 MiB took 117 MiB of memory in place of 198, and no more time. https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html
 */
const FREES_BUFFERS_SOON = '--max-semi-space-size=2';

/**
 * The functions that run the steps: one for each set of permissions and time limit. Four of them are in no VPC: `decisions`, `backups`, `pruning` and
 * `rehearsals` ask nobody but Step Functions and S3, to which the VPC's subnets may have no way.
 */
export function functionsOfSteps(
  scope: Construct,
  { bundles, network, staging }: StepFunctionsProps,
): { functions: Readonly<Record<FunctionName, StepFunction>>; step: (name: StepName) => Step } {
  const create = (
    name: FunctionName,
    description: string,
    timeout: Duration,
    more: { functionName?: string; network?: StepNetwork; access?: FunctionAccess; memoryMiB?: number } = { network },
  ) =>
    new StepFunction(scope, name, {
      bundle: bundleOf(name, bundles),
      description,
      timeout,
      memoryMiB: MEMORY_MIB,
      ...more,
    });
  const inNetwork = (access: FunctionAccess) => ({ network, access });
  const functions = {
    configuration: create('configuration', "Checks an execution's input and loads the cluster", SHORT),
    diagnosis: create(
      'diagnosis',
      'Looks at a whole cluster and says which incident it has, or what fills its store',
      SHORT,
      inNetwork('looking'),
    ),
    detector: create('detector', 'Looks at a cluster each minute, and writes the metrics of its alarms', BRIEF, {
      ...inNetwork('looking'),
      functionName: named(scope, DETECTOR_FUNCTION),
    }),
    etcd: create(
      'etcd',
      'Asks the members of a cluster, decides, and changes what takes moments',
      SHORT,
      inNetwork('secrets'),
    ),
    'etcd-long': create(
      'etcd-long',
      'Gives a store its space back, and compares hashes: waits for a large database',
      LONG,
      inNetwork('secrets'),
    ),
    authentication: create(
      'authentication',
      'Disables authentication and enables it at once, and enables it where that was cut off',
      BRIEF,
      inNetwork('secrets'),
    ),
    'run-command': create('run-command', 'Runs the documents on hosts', SHORT, inNetwork('commands')),
    transfers: create(
      'transfers',
      'Stages a snapshot, and runs a document on one host with a URL of S3',
      SHORT,
      inNetwork('transfers'),
    ),
    backups: create('backups', 'Says which backups of a cluster there are', SHORT, { access: 'backups' }),
    pruning: create('pruning', 'Removes the backups of a cluster that expire', SHORT, { access: 'pruning' }),
    rehearsals: create('rehearsals', 'Compares what a rehearsal restored, and writes down what came of it', SHORT, {
      access: 'rehearsing',
    }),
    'backing-up': create(
      'backing-up',
      'Streams the database of a member into the bucket of its backups, or lets its host send it',
      LONG,
      {
        ...inNetwork('backing-up'),
        memoryMiB: WHOLE_PROCESSOR_MIB,
      },
    ),
    decisions: create('decisions', 'Decides from what it is given, and which runbook is next if none runs', SHORT, {}),
  };
  // Scheduler hands a look over, and Lambda would try one that fails twice more. A minute later the next one is due.
  functions.detector.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
  functions['backing-up'].function.addEnvironment('NODE_OPTIONS', FREES_BUFFERS_SOON);

  grantRegistry(scope, functions.configuration);
  for (const each of Object.values(functions)) if (each.access) grantClusters(scope, each);
  grantUnnamed(functions.diagnosis, [LOOK_FOR_HOSTS]);
  for (const each of [functions['run-command'], functions.transfers, functions['backing-up']]) {
    grantUnnamed(each, [...FOLLOW_COMMANDS, LOOK_FOR_HOSTS]);
  }
  for (const each of [functions.authentication, functions.decisions]) grantRunbooks(scope, each);
  staging.grant(functions.transfers);
  return { functions, step: (name) => ({ name, runsIn: functions[functionOf(name)] }) };
}

/** @throws Error where there is none */
export function bundleOf(name: string, bundles: StepBundles): string {
  const bundle = bundles[name];
  if (!bundle) throw new Error(`There is no bundle "${name}".`);
  return bundle;
}
