import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../core/api/problems.ts';
import { synthesizeCallers } from './caller-stack.ts';
import { functionOf, permissionsOf, render, resourcesOf } from './stacks.ts';

const template = synthesizeCallers();
const [api] = Object.values(resourcesOf(template, 'AWS::ApiGateway::RestApi'));
const [stage] = Object.values(resourcesOf(template, 'AWS::ApiGateway::Stage'));
const methods = Object.values(resourcesOf(template, 'AWS::ApiGateway::Method'));
const resources = Object.entries(resourcesOf(template, 'AWS::ApiGateway::Resource'));

describe('the API in the template', () => {
  it('asks for a signature of IAM on every method, and for no key', () => {
    expect(methods).toHaveLength(2);
    for (const { Properties } of methods) {
      expect(Properties.AuthorizationType).toBe('AWS_IAM');
      expect(Properties).not.toHaveProperty('ApiKeyRequired');
    }
    expect(resourcesOf(template, 'AWS::ApiGateway::ApiKey')).toEqual({});
    // What a policy of the API itself allows would be allowed to whoever it names.
    expect(api?.Properties).not.toHaveProperty('Policy');
  });

  it('hands on every method of every path to its function, which knows the operations', () => {
    const [[below, { Properties: proxy }] = ['', { Properties: {} }], ...others] = resources;
    expect(others).toEqual([]);
    expect(proxy.PathPart).toBe('{proxy+}');
    expect(proxy.ParentId['Fn::GetAtt'][1]).toBe('RootResourceId');
    expect(methods.map(({ Properties: { HttpMethod, ResourceId } }) => [HttpMethod, ResourceId])).toEqual(
      expect.arrayContaining([
        ['ANY', proxy.ParentId],
        ['ANY', { Ref: below }],
      ]),
    );
    const [functionId] = functionOf(template, 'api');
    for (const { Properties } of methods) {
      expect(Properties.Integration.Type).toBe('AWS_PROXY');
      expect(render(Properties.Integration.Uri)).toContain(`<${functionId}.Arn>`);
    }
  });

  it('answers no page of another site', () => {
    expect(methods.map(({ Properties }) => Properties.HttpMethod)).not.toContain('OPTIONS');
    expect(JSON.stringify(template.toJSON())).not.toContain('Access-Control');
  });

  it('is throttled, traced and logged, and logs no body', () => {
    expect(stage?.Properties).toMatchObject({ StageName: 'v1', TracingEnabled: true });
    expect(stage?.Properties.MethodSettings).toEqual([
      expect.objectContaining({
        HttpMethod: '*',
        ResourcePath: '/*',
        ThrottlingRateLimit: 10,
        ThrottlingBurstLimit: 20,
        LoggingLevel: 'ERROR',
        DataTraceEnabled: false,
      }),
    ]);
    const { DestinationArn, Format } = stage?.Properties.AccessLogSetting ?? {};
    const logGroup = DestinationArn['Fn::GetAtt'][0];
    expect(resourcesOf(template, 'AWS::Logs::LogGroup')[logGroup]?.Properties.RetentionInDays).toBe(180);
    expect(JSON.parse(Format)).toMatchObject({ caller: '$context.identity.userArn', status: '$context.status' });
    expect(Format).not.toMatch(/\$input|body/i);
  });

  it("tells API Gateway's own refusals as the problems that they are", () => {
    const responses = Object.values(resourcesOf(template, 'AWS::ApiGateway::GatewayResponse')).map(
      ({ Properties: { ResponseType, StatusCode, ResponseTemplates, ResponseParameters } }) => {
        expect(ResponseParameters).toEqual({ 'gatewayresponse.header.Content-Type': "'application/problem+json'" });
        // It comes with its quotation marks: https://docs.aws.amazon.com/apigateway/latest/developerguide/context-variables-for-gateway-responses.html
        const text = ResponseTemplates['application/json'].replace('$context.error.messageString', '"any"');
        const problem = JSON.parse(text);
        expect(problem).toMatchObject({ status: Number(StatusCode), detail: 'any', instance: '$context.path' });
        const kind = problem.type.split(':').at(-1) as keyof typeof PROBLEMS;
        expect(problem).toMatchObject(PROBLEMS[kind]);
        return `${ResponseType} ${kind}`;
      },
    );
    expect(responses.toSorted()).toEqual([
      'ACCESS_DENIED forbidden',
      'API_CONFIGURATION_ERROR internal-error',
      'DEFAULT_5XX internal-error',
      'EXPIRED_TOKEN forbidden',
      'INTEGRATION_FAILURE unavailable',
      'INTEGRATION_TIMEOUT unavailable',
      'INVALID_SIGNATURE forbidden',
      'MISSING_AUTHENTICATION_TOKEN forbidden',
      'QUOTA_EXCEEDED throttled',
      'REQUEST_TOO_LARGE too-large',
      'THROTTLED throttled',
    ]);
  });

  it('lets its function do what its operations need, and nothing else', () => {
    const [, { Role, VpcConfig }] = functionOf(template, 'api');
    expect(VpcConfig).toBeUndefined();
    const states = 'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:etcd-remediation';
    const registry = 'arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/etcd-remediation/clusters';
    const machine = 'arn:aws:states:eu-central-1:123456789012:stateMachine:etcd-remediation';
    const backup = 'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:etcd-remediation-backup';
    const table = 'arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/remediations';
    const permissions = permissionsOf(template, Role['Fn::GetAtt'][0]).filter((each) => !/^(logs|xray):/.test(each));
    expect(permissions).toEqual(
      [
        `dynamodb:GetItem ${table}`,
        `dynamodb:Query ${table}`,
        'lambda:InvokeFunction arn:aws:lambda:eu-central-1:123456789012:function:backups',
        'lambda:InvokeFunction arn:aws:lambda:eu-central-1:123456789012:function:diagnose',
        `ssm:GetParameter ${registry}`,
        `ssm:GetParameter ${registry}/*`,
        `ssm:GetParametersByPath ${registry}`,
        `ssm:GetParametersByPath ${registry}/*`,
        `states:DescribeExecution ${states}:*`,
        `states:DescribeExecution ${states}-backup:*`,
        `states:DescribeExecution ${states}-rehearsal:*`,
        ...[
          '',
          '-auth-token-reset',
          '-backup',
          '-rehearsal',
          '-member-repair',
          '-member-replacement',
          '-quorum-recovery',
          '-space-reclaim',
        ].map((runbook) => `states:GetExecutionHistory ${states}${runbook}:*`),
        `states:SendTaskSuccess ${machine}`,
        `states:StartExecution ${machine}`,
        `states:StartExecution ${backup}`,
        `states:StartExecution ${backup.replace(/backup$/, 'rehearsal')}`,
        `states:StopExecution ${states}:*`,
      ].toSorted(),
    );
  });
});
