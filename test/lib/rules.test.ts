import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { CfnTopic } from 'aws-cdk-lib/aws-sns';
import { App, Stack, Validations } from 'aws-cdk-lib/core';
import { FAIL_SYNTH_ON_VALIDATION_ERRORS_CONTEXT } from 'aws-cdk-lib/cx-api';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it, vi } from 'vitest';
import { clusterSchema, memberSchema } from '../../core/cluster/clusters.ts';
import { type ClustersFile, clustersFileSchema } from '../../core/cluster/clusters-file.ts';
import { defineStacks } from '../../lib/app.ts';
import { LAYOUT, NETWORK, settingsOfCdk, writeBundles } from './stacks.ts';

/**
 * Whatever a configuration can ask for is held to the rules of cdk-nag, and to those by which the CDK validates templates, here, and not
 * whenever somebody synthesizes: they judge what lib makes, whosever clusters it makes it for.
 */

const URLS = { clientUrl: 'https://10.0.0.1:2379', peerUrl: 'https://10.0.0.1:2380' };
const MEMBER = { name: 'node1', ...URLS };
const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:billing/root-AbCdEf';

/** Each of what a cluster can have, by itself. */
const EACH: readonly object[] = [
  { auth: { secret: 'etcd/root' } },
  { auth: { secret: ARN } },
  { tls: { secret: 'etcd/tls' } },
  { backups: { bucket: 'backups' } },
  { maintenance: { days: ['Sun', 'Wed'], from: '02:00', to: '04:00' } },
  {
    backups: {
      ...{
        bucket: 'my.backups',
        prefix: 'orders/',
        everyMinutes: 60,
        keep: { hourly: 24 },
        rehearse: { everyDays: 1 },
      },
      kmsKey: 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    },
  },
  { members: [{ ...MEMBER, host: 'i-0a1b2c3d4e5f60001' }], layout: LAYOUT },
  { members: [{ ...MEMBER, host: 'mi-0a1b2c3d4e5f60001', layout: LAYOUT }] },
  { spareHosts: [{ ...MEMBER, host: 'i-0a1b2c3d4e5f60002' }], layout: LAYOUT },
  {
    members: [
      MEMBER,
      { name: 'node2', clientUrl: 'https://10.0.0.2:2379', peerUrl: 'https://10.0.0.2:2380', learner: true },
    ],
  },
  { policy: { 'space-exceeded': 'approval' } },
];
const clusters = [{}, ...EACH, Object.assign({}, ...EACH)].map((more, index) => ({
  ...{ name: `c${index}`, members: [MEMBER], quotaBackendBytes: 1 },
  ...more,
}));

/** All that a platform can have, and what the defaults come to: in this order, the rules for the one serve the other too. */
const [FULL, PLAIN] = [
  {
    $schema: 'docs/clusters.schema.json',
    network: { ...NETWORK, securityGroupIds: ['sg-0a1b2c3d'] },
    prefix: 'blue',
    encryption: 'customer-managed',
    quotas: { alarms: 20_000 },
    clusters: clusters.slice(-1),
  },
  { network: NETWORK, clusters },
].map((file) => clustersFileSchema.parse(file)) as [ClustersFile, ClustersFile];
const FILES = [FULL, PLAIN];

interface Acknowledgement {
  rule: string;
  /** The path of the construct. */
  at: string;
  reason: string;
}

/** Makes what is defined as `cdk synth` does, and hands it over while its files are there. */
function synthesize<Result>(
  define: (app: App, directory: string) => void,
  look: (app: App) => Result,
  builtinCloudFormationValidation = true,
): Result {
  const directory = mkdtempSync(join(tmpdir(), 'rules-test-'));
  try {
    // What the rules have found is in the report, also what the CDK takes for a warning only.
    const context = { ...settingsOfCdk(), [FAIL_SYNTH_ON_VALIDATION_ERRORS_CONTEXT]: false };
    const app = new App({ outdir: join(directory, 'cdk.out'), context, builtinCloudFormationValidation });
    define(app, directory);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    app.synth();
    return look(app);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const stacksOf = (file: ClustersFile) => (app: App, directory: string) =>
  defineStacks({ app, file, bundles: writeBundles(directory) });

/** What the rules have against it, and those that could not be asked. */
function reportsOn({ outdir }: App): { violations: { ruleName: string }[] }[] {
  return JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')).pluginReports;
}

function acknowledgementsIn(app: App): Acknowledgement[] {
  return app.node.findAll().flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([id, reason]) => ({ rule: id.replace(/^Annotation::/, ''), at: node.path, reason })),
  );
}

/** Of cdk-nag, as if nothing were acknowledged. */
function violationsIn(app: App): { rule: string; at: string }[] {
  const rules = new AwsSolutionsChecks(app);
  Object.assign(rules, { isAcknowledged: () => false });
  return rules
    .validateScope(app)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath = '' }) => ({ rule: ruleName, at: constructPath })),
    );
}

describe('the rules', () => {
  it.each(FILES.map((file) => [file.prefix ?? 'the defaults', file] as const))(
    'have nothing against what is made of %s that is not acknowledged',
    (_, file) => {
      expect(synthesize(stacksOf(file), reportsOn)).toEqual([]);
    },
  );

  it('are asked about each field that clusters.json can have', () => {
    const fieldsIn = (values: readonly object[]) => [...new Set(values.flatMap((value) => Object.keys(value)))];
    const all = FILES.flatMap((file) => file.clusters);
    expect(fieldsIn(FILES).toSorted()).toEqual(Object.keys(clustersFileSchema.shape).toSorted());
    expect(fieldsIn(all).toSorted()).toEqual(Object.keys(clusterSchema.shape).toSorted());
    expect(fieldsIn(all.flatMap(({ members }) => members)).toSorted()).toEqual(
      Object.keys(memberSchema.shape).toSorted(),
    );
  });

  it('are those of cdk-nag and those of CloudFormation', () => {
    vi.spyOn(console, 'error').mockReturnValue();
    const reports = synthesize((app) => {
      const stack = new Stack(app, 'Wrong');
      new Bucket(stack, 'Open');
      new CfnTopic(stack, 'Topic').addPropertyOverride('NoSuchProperty', 1);
    }, reportsOn);
    const rules = reports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName));
    expect(rules).toEqual(expect.arrayContaining(['AwsSolutions-S1', 'F3002']));
  });
});

it('what is acknowledged has a reason, and something that it is for', () => {
  const isNeeded = (app: App): [string, boolean][] => {
    const violations = violationsIn(app);
    return acknowledgementsIn(app)
      .filter(({ rule }) => rule.startsWith('AwsSolutions-'))
      .map(({ rule, at, reason }) => [
        `${rule}: ${reason}`,
        violations.some((violation) => violation.rule === rule && violation.at.startsWith(`${at}/`)),
      ]);
  };
  const all = synthesize(stacksOf(FULL), isNeeded, false);
  expect(all.length).toBeGreaterThan(20);
  // One that is said of each of a kind may be for some of them.
  const needed = new Set(all.flatMap(([what, is]) => (is ? [what] : [])));
  expect(all.flatMap(([what]) => (needed.has(what) ? [] : [what]))).toEqual([]);
  expect(all.filter(([what]) => !/: [A-Z].{20,}\.$/.test(what))).toEqual([]);
});
