import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Aws, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Logs } from '../../lib/logs.ts';
import { StepFunction, type StepFunctionProps } from '../../lib/step-function.ts';
import { tasksOf } from './definitions.ts';
import {
  FLEET,
  functionOf,
  PAGER,
  PLAIN,
  permissionsOf,
  RELEASE,
  ROOT,
  resourcesOf,
  STEPS,
  stateMachineOf,
  synthesizeStacks,
} from './stacks.ts';

/** A deploy leaves executions alone that are at work: they go on with the versions of functions that they began with. */

const { platform, definitions } = synthesizeStacks(FLEET);
const VERSIONS = resourcesOf(platform, 'AWS::Lambda::Version');
const MACHINES = Object.values(resourcesOf(platform, 'AWS::StepFunctions::StateMachine')).map(
  ({ Properties }) => Properties.StateMachineName as string,
);
/** Invoked by the schedules of clusters, and chained by no state machine. */
const DETECTOR = 'detect-incidents';

/** The functions of which a template has a version, each with the version's logical ID. */
function versionsOf(template: Template): Record<string, string> {
  return Object.fromEntries(
    Object.entries(resourcesOf(template, 'AWS::Lambda::Version')).map(([id, { Properties }]) => [
      Properties.FunctionName.Ref,
      id,
    ]),
  );
}

describe('every Task that invokes a function', () => {
  it.each(MACHINES)(
    'in %s names a version, and the role may invoke every version of exactly those functions',
    (name) => {
      const { RoleArn } = stateMachineOf(platform, name).Properties;
      const definition = JSON.parse(definitions[name]?.replaceAll('<AWS::Partition>', 'aws') ?? '');
      const invoked = tasksOf(definition).map(
        ({ state }) => (state.Arguments as { FunctionName: string }).FunctionName,
      );
      expect(invoked.length > 0).toBe(![RELEASE, PAGER].includes(name));
      const functions = invoked.map((version) => VERSIONS[version.slice(1, -1)]?.Properties.FunctionName.Ref);
      expect(functions).not.toContain(undefined);
      const invocations = permissionsOf(platform, RoleArn['Fn::GetAtt'][0]).filter((each) =>
        each.startsWith('lambda:'),
      );
      expect(invocations).toEqual(
        [...new Set(functions)].map((id) => `lambda:InvokeFunction <${id}.Arn>:*`).toSorted(),
      );
    },
  );
});

describe('the version of a function', () => {
  it('is there for each step of a state machine, and not for what is invoked in another way', () => {
    const chained = STEPS.filter((step) => step !== DETECTOR).map((step) => functionOf(platform, step)[0]);
    expect(Object.keys(versionsOf(platform)).toSorted()).toEqual([...new Set(chained)].toSorted());
  });

  it('stays when a deploy puts another in its place, and goes when its own deploy is rolled back', () => {
    for (const version of Object.values(VERSIONS)) {
      expect(version).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
    }
  });

  it('is a new one where the code is another, and nowhere else', () => {
    const [changed] = functionOf(platform, 'prove-writes');
    const next = synthesizeStacks(FLEET, (name) => (name === 'etcd' ? '// another' : `// ${name}`));
    const { [changed]: before, ...others } = versionsOf(platform);
    const { [changed]: after, ...same } = versionsOf(next.platform);
    expect(after).not.toBe(before);
    expect(same).toEqual(others);
  });

  it('is no new one because there are other clusters', () => {
    expect(versionsOf(synthesizeStacks({ ...FLEET, clusters: [PLAIN] }).platform)).toEqual(versionsOf(platform));
  });
});

describe("a function's configuration", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'versions-test-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** The logical ID of a function's version; its environment comes after the version was asked for, as it may in a stack. */
  function versionOf(change: Partial<StepFunctionProps> = {}, environment: Record<string, string> = {}) {
    const stack = new Stack(new App({ outdir: mkdtempSync(join(directory, 'cdk-')) }), 'sample');
    new Logs(stack);
    const { function: step } = new StepFunction(stack, 'step', {
      bundle: join(ROOT, 'bin'),
      description: 'A step',
      timeout: Duration.minutes(1),
      memoryMiB: 512,
      ...change,
    });
    new CfnOutput(stack, 'Version', { value: step.currentVersion.functionArn });
    for (const [name, value] of Object.entries(environment)) step.addEnvironment(name, value);
    return Object.values(versionsOf(Template.fromStack(stack)));
  }

  it('is in a version: the same one is the same', () => {
    expect(versionOf({}, { WHERE: Aws.REGION })).toEqual(versionOf({}, { WHERE: Aws.REGION }));
  });

  it.each([
    ['memory', versionOf.bind(null, { memoryMiB: 256 })],
    ['timeout', versionOf.bind(null, { timeout: Duration.minutes(2) })],
    ['environment', versionOf.bind(null, {}, { WHERE: Aws.REGION })],
  ])('is in a version: another %s is another', (_, other) => {
    expect(other()).not.toEqual(versionOf());
  });
});
