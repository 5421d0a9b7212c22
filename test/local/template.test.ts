import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { cx_api } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTemplate } from '../../local/template.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'template-test-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What the reader finds in a stack with these resources. */
function read(resources: Record<string, { Type: string; Properties: object }>) {
  const asset = (path: string, objectKey: string) => ({ source: { path }, destinations: { here: { objectKey } } });
  const definitions = readdirSync(directory).map((file) => [file, asset(file, file)]);
  const files = { a: asset('asset.a', 'a.zip'), ...Object.fromEntries(definitions) };
  writeFileSync(join(directory, 'sample.assets.json'), JSON.stringify({ files }));
  const stack = { id: 'sample', assembly: { directory }, template: { Resources: resources } };
  return readTemplate(stack as unknown as cx_api.CloudFormationStackArtifact);
}

function lambda(properties: object = {}) {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: { Code: { S3Key: 'a.zip' }, Handler: 'index.handler', Timeout: 60, MemorySize: 512, ...properties },
  };
}

function parameter(value: unknown) {
  return { Type: 'AWS::SSM::Parameter', Properties: { Name: '/a', Value: value } };
}

/** In a definition: what stands for this name in its template. */
function value(name: string): string {
  return `\${${name}}`;
}

/** One with its definition in a file. */
function machine(name: string, definition: object = {}, substitutions?: Record<string, unknown>) {
  const Key = `${name}.json`;
  writeFileSync(join(directory, Key), JSON.stringify(definition));
  const DefinitionS3Location = { Bucket: { 'Fn::Sub': 'assets' }, Key };
  return {
    Type: 'AWS::StepFunctions::StateMachine',
    Properties: { StateMachineName: name, DefinitionS3Location, DefinitionSubstitutions: substitutions },
  };
}

/** A rule that starts the state machine `Guard` when one that is called `Guarded` has failed. */
function rule(properties: object = {}, target: object = {}) {
  const Targets = [{ Arn: { Ref: 'Guard' }, Id: 'Target0', RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] }, ...target }];
  const EventPattern = {
    source: ['aws.states'],
    detail: { stateMachineArn: [{ Ref: 'Guarded' }], status: ['FAILED'] },
  };
  return { Type: 'AWS::Events::Rule', Properties: { State: 'ENABLED', EventPattern, Targets, ...properties } };
}

function rulesOf(sample: ReturnType<typeof rule>) {
  return read({ Rule: sample, Guard: machine('guard'), Guarded: machine('guarded') }).rules;
}

function resolved(value: unknown) {
  const topic = { Type: 'AWS::SNS::Topic', Properties: {} };
  return read({ Step: lambda(), Parameter: parameter(value), Topic: topic, Machine: machine('machine') }).parameters[
    '/a'
  ];
}

/** A definition for a name in which this version of a function stands, with what else the template has to hold. */
function invokes(version: object, others: Record<string, { Type: string; Properties: object }> = {}) {
  const Machine = machine('machine', { FunctionName: value('step') }, { step: { Ref: 'Version' } });
  const Version = { Type: 'AWS::Lambda::Version', Properties: version };
  return read({ ...others, Version, Machine });
}

function substitution(...names: string[]) {
  return { 'Fn::Sub': names.map((name) => `\${${name}}`).join('-') };
}

describe('a template', () => {
  it('gives its functions, with the code from the assets of the stack', () => {
    const { functions } = read({ Step: lambda({ Environment: { Variables: { A: { Ref: 'AWS::Region' } } } }) });
    expect(functions).toEqual([
      {
        name: 'Step',
        arn: 'arn:aws:lambda:local:000000000000:function:Step',
        codeDir: join(directory, 'asset.a'),
        handler: 'index.handler',
        timeoutSeconds: 60,
        memoryMiB: 512,
        environment: { A: 'local' },
      },
    ]);
  });

  it('gives its state machines, which invoke the functions under the same ARNs', () => {
    const values = { step: { 'Fn::GetAtt': ['Step', 'Arn'] }, region: { Ref: 'AWS::Region' } };
    const Machine = machine(
      'machine',
      { Resource: value('step'), Comment: `in ${value('region')}, ${value('region')}` },
      values,
    );
    const template = read({ Step: lambda(), Machine });
    expect(template.stateMachines).toEqual({
      machine: { Resource: template.functions[0]?.arn, Comment: 'in local, local' },
    });
  });

  it.each([
    ['that has a name', { FunctionName: 'etcd-remediation-step' }],
    ['that has none', {}],
  ])('has a version of a function stand for the function: one %s', (_, properties) => {
    const { functions, stateMachines } = invokes({ FunctionName: { Ref: 'Step' } }, { Step: lambda(properties) });
    expect(stateMachines).toEqual({ machine: { FunctionName: functions[0]?.arn } });
  });

  it('gives its parameters', () => {
    expect(read({ Parameter: parameter('{"a":1}') }).parameters).toEqual({ '/a': '{"a":1}' });
  });

  it('gives its functions and topics the names that they have, by which other stacks reach them', () => {
    const { functions, topics, parameters } = read({
      Step: lambda({ FunctionName: 'etcd-remediation-step' }),
      Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'etcd-remediation-topic' } },
      Parameter: parameter([{ 'Fn::GetAtt': ['Step', 'Arn'] }, { Ref: 'Topic' }]),
    });
    expect(functions.map(({ name, arn }) => [name, arn])).toEqual([
      ['Step', 'arn:aws:lambda:local:000000000000:function:etcd-remediation-step'],
    ]);
    expect(topics).toEqual(['arn:aws:sns:local:000000000000:etcd-remediation-topic']);
    expect(parameters['/a']).toEqual([functions[0]?.arn, topics[0]]);
  });

  it('gives its buckets, which functions know by the same names', () => {
    const bucket = { Type: 'AWS::S3::Bucket', Properties: { BucketEncryption: { 'Fn::ImportValue': 'x' } } };
    const { buckets, functions } = read({
      StagingBucket1A: bucket,
      Step: lambda({ Environment: { Variables: { STAGING_BUCKET: { Ref: 'StagingBucket1A' } } } }),
    });
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    expect(buckets).toEqual([expect.stringMatching(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/)]);
    expect(functions[0]?.environment).toEqual({ STAGING_BUCKET: buckets[0] });
  });

  it('gives its documents, with every word of their scripts', () => {
    const Content = {
      schemaVersion: '2.2',
      mainSteps: [{ inputs: { runCommand: ['echo "{{ unit }}"', 'if [ -n "$a" ]; then exit 65; fi'] } }],
    };
    const Properties = { Name: 'etcd-remediation-inspect-host', DocumentType: 'Command', Content };
    expect(read({ Document: { Type: 'AWS::SSM::Document', Properties } }).documents).toEqual({
      'etcd-remediation-inspect-host': Content,
    });
  });

  it('gives its topics, which state machines know by the same ARNs', () => {
    const { topics, stateMachines } = read({
      PagesTopic1A: { Type: 'AWS::SNS::Topic', Properties: { DisplayName: 'etcd-remediation' } },
      Machine: machine('machine', { TopicArn: value('topic') }, { topic: { Ref: 'PagesTopic1A' } }),
    });
    expect(topics).toEqual(['arn:aws:sns:local:000000000000:PagesTopic1A']);
    expect(stateMachines).toEqual({ machine: { TopicArn: topics[0] } });
  });

  it('gives its rules, with the ARNs that executions of its state machines have in their events', () => {
    const arnOf = (name: string) => `arn:aws:states:local:000000000000:stateMachine:${name}`;
    expect(rulesOf(rule({ Description: 'It has failed' }))).toEqual([
      {
        pattern: { source: ['aws.states'], detail: { stateMachineArn: [arnOf('guarded')], status: ['FAILED'] } },
        targets: [{ arn: arnOf('guard') }],
      },
    ]);
  });

  it('may have a rule with several targets, or with none', () => {
    const targets = ['Guard', 'Guarded'].map((name, index) => ({ Arn: { Ref: name }, Id: `Target${index}` }));
    expect(rulesOf(rule({ Targets: targets }))[0]?.targets).toHaveLength(2);
    expect(rulesOf(rule({ Targets: [] }))[0]?.targets).toEqual([]);
  });

  it('may hold resources that the platform has no use for, whatever is in them', () => {
    const trust = { Statement: [{ Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' } }] };
    const Properties = { AssumeRolePolicyDocument: trust, Policies: { 'Fn::Split': [',', 'a'] } };
    const role = { Type: 'AWS::IAM::Role', Properties };
    expect(read({ Role: role, Step: lambda({ KmsKeyArn: { 'Fn::ImportValue': 'x' } }) }).functions).toHaveLength(1);
  });
});

describe('an intrinsic function that the platform knows', () => {
  it.each([
    ['the partition', { Ref: 'AWS::Partition' }, 'aws'],
    ['the region', { Ref: 'AWS::Region' }, 'local'],
    ['the account', { Ref: 'AWS::AccountId' }, '000000000000'],
    ['a text that is joined', { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Region' }, 7]] }, 'a-local-7'],
    ['a join in a join', { 'Fn::Join': ['', ['a', { 'Fn::Join': [':', ['b', 'c']] }]] }, 'ab:c'],
    ['a substitution', substitution('AWS::AccountId', 'AWS::Region'), '000000000000-local'],
    ["a topic's ARN", { Ref: 'Topic' }, 'arn:aws:sns:local:000000000000:Topic'],
    ["a state machine's ARN", { Ref: 'Machine' }, 'arn:aws:states:local:000000000000:stateMachine:machine'],
    ["a function's ARN", { 'Fn::GetAtt': ['Step', 'Arn'] }, 'arn:aws:lambda:local:000000000000:function:Step'],
  ])('is resolved: %s', (_, value, result) => {
    expect(resolved(value)).toBe(result);
  });

  it('is resolved inside of lists and objects', () => {
    expect(resolved([{ a: { Ref: 'AWS::Region' }, b: 1 }])).toEqual([{ a: 'local', b: 1 }]);
  });
});

describe('what the platform does not know', () => {
  it.each([
    ['a reference to a resource', { Ref: 'Step' }],
    ["a topic's name", { 'Fn::GetAtt': ['Topic', 'TopicName'] }],
    ["a state machine's name", { 'Fn::GetAtt': ['Machine', 'Name'] }],
    ['another pseudo parameter', { Ref: 'AWS::NoValue' }],
    ['a name that every object has', { Ref: 'constructor' }],
    ['another function', { 'Fn::Select': [0, ['a']] }],
    ['another attribute', { 'Fn::GetAtt': ['Step', 'Version'] }],
    ["another resource's ARN", { 'Fn::GetAtt': ['Parameter', 'Arn'] }],
    ["a resource's ARN that is not there", { 'Fn::GetAtt': ['Nothing', 'Arn'] }],
    ['a substitution with variables of its own', { 'Fn::Sub': [substitution('A')['Fn::Sub'], { A: 'b' }] }],
    ['a substitution of a resource', substitution('Step')],
    ['a substitution of another pseudo parameter', substitution('AWS::URLSuffix')],
    ['a substitution of a name that every object has', substitution('constructor')],
    ['any of them in a join', { 'Fn::Join': ['', ['a', { Ref: 'Step' }]] }],
  ])('is refused and named: %s', (_, value) => {
    expect(() => resolved(value)).toThrow(
      /^The embedded platform does not know \{"(Ref|Fn::(Select|GetAtt|Sub))":.*\}\.$/,
    );
  });

  it.each([
    ['is disabled', rule({ State: 'DISABLED' }), 'a rule that is DISABLED'],
    ['does not say whether it is enabled', rule({ State: undefined }), 'a rule that is undefined'],
    ['has a schedule', rule({ ScheduleExpression: 'rate(1 minute)' }), "a rule's ScheduleExpression"],
    ['is on a bus of its own', rule({ EventBusName: 'other' }), "a rule's EventBusName"],
    ['gives its target an input of its own', rule({}, { Input: '{}' }), "a rule's Input"],
    ['gives its target a part of the event', rule({}, { InputPath: '$.detail' }), "a rule's InputPath"],
    ['has a target that is not there', rule({}, { Arn: { Ref: 'Nothing' } }), '{"Ref":"Nothing"}'],
    [
      'has a function as its target',
      rule({}, { Arn: { 'Fn::GetAtt': ['Nothing', 'Arn'] } }),
      '{"Fn::GetAtt":["Nothing","Arn"]}',
    ],
    [
      'waits for a state machine that is not there',
      rule({ EventPattern: { a: [{ Ref: 'Nothing' }] } }),
      '{"Ref":"Nothing"}',
    ],
  ])('is refused where a rule %s', (_, sample, unknown) => {
    expect(() => rulesOf(sample)).toThrow(`The embedded platform does not know ${unknown}.`);
  });

  it.each([
    ['is of a function that is not there', { FunctionName: { Ref: 'Nothing' } }],
    ['is of something that is no function', { FunctionName: { Ref: 'Topic' } }],
    ['names its function in another way', { FunctionName: { 'Fn::GetAtt': ['Step', 'Arn'] } }],
    ['names its function by a text', { FunctionName: 'Step' }],
    ['names no function', {}],
    [
      'has more to it than its function',
      { FunctionName: { Ref: 'Step' }, ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 1 } },
    ],
  ])('is refused where the version of a function %s', (_, version) => {
    const topic = { Type: 'AWS::SNS::Topic', Properties: {} };
    expect(() => invokes(version, { Step: lambda(), Topic: topic })).toThrow(
      'The embedded platform does not know {"Ref":"Version"}.',
    );
  });

  it("is refused where a version's number is asked for", () => {
    const number = parameter({ 'Fn::GetAtt': ['Version', 'Version'] });
    expect(() => invokes({ FunctionName: { Ref: 'Step' } }, { Step: lambda(), Number: number })).toThrow(
      'The embedded platform does not know {"Fn::GetAtt":["Version","Version"]}.',
    );
  });

  it.each([
    [
      'a name for which nothing stands',
      { Resource: value('step') },
      undefined,
      'A definition names step, and its template',
    ],
    ['a name that every object has', { Resource: value('constructor') }, {}, 'A definition names constructor, and its'],
    ['a value that it does not name', {}, { step: 'a' }, 'A template has step, and its definition does not name it.'],
  ])('is refused where a definition has %s', (_, definition, values, problem) => {
    expect(() => read({ Machine: machine('machine', definition, values) })).toThrow(problem);
  });

  it('is refused where a definition is not an asset', () => {
    const Machine = machine('machine');
    Machine.Properties.DefinitionS3Location.Key = 'another.json';
    expect(() => read({ Machine })).toThrow(
      'The definition of machine (another.json) is not among the assets of its stack.',
    );
  });

  it('is refused where the code of a function is not an asset', () => {
    expect(() => read({ Step: lambda({ Code: { S3Key: 'b.zip' } }) })).toThrow(
      'The code of Step (b.zip) is not among the assets of its stack.',
    );
  });
});
