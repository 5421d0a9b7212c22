import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../core/api/operations.ts';
import { PROBLEMS } from '../../core/api/problems.ts';
import { synthesizeCallers } from './caller-stack.ts';
import { functionOf, permissionsOf, type Resource, render, resourcesOf } from './stacks.ts';

const template = synthesizeCallers();
const [api] = Object.values(resourcesOf(template, 'AWS::ApiGateway::RestApi'));
const [stage] = Object.values(resourcesOf(template, 'AWS::ApiGateway::Stage'));
const methods = Object.values(resourcesOf(template, 'AWS::ApiGateway::Method'));
const resources = resourcesOf(template, 'AWS::ApiGateway::Resource');

function pathOf({ Properties }: Resource): string {
  const { Ref } = Properties.ResourceId;
  if (!Ref) return '/';
  const steps: string[] = [];
  for (let at = resources[Ref]; at; at = resources[at.Properties.ParentId.Ref]) steps.unshift(at.Properties.PathPart);
  return `/${steps.join('/')}`;
}

const routes = methods.map((method) => `${method.Properties.HttpMethod} ${pathOf(method)}`);

describe('the API in the template', () => {
  it('asks for a signature of IAM on every method, and for no key', () => {
    expect(methods.length).toBeGreaterThan(Object.keys(OPERATIONS).length);
    for (const { Properties } of methods) {
      expect(Properties.AuthorizationType).toBe('AWS_IAM');
      expect(Properties).not.toHaveProperty('ApiKeyRequired');
    }
    expect(resourcesOf(template, 'AWS::ApiGateway::ApiKey')).toEqual({});
    // What a policy of the API itself allows would be allowed to whoever it names.
    expect(api?.Properties).not.toHaveProperty('Policy');
  });

  it('has the operations of its document, and hands everything else to the same function', () => {
    const operations = Object.values(OPERATIONS).map(({ method, path }) => `${method} ${path}`);
    const paths = new Set(Object.values(OPERATIONS).map(({ path }) => path));
    const others = [...paths, '/', '/{proxy+}'].map((path) => `ANY ${path}`);
    expect(routes.toSorted()).toEqual([...operations, ...others].toSorted());
    const [functionId] = functionOf(template, 'api');
    for (const { Properties } of methods) {
      expect(Properties.Integration.Type).toBe('AWS_PROXY');
      expect(render(Properties.Integration.Uri)).toContain(`<${functionId}.Arn>`);
    }
  });

  it('answers no page of another site', () => {
    expect(routes.filter((route) => route.startsWith('OPTIONS'))).toEqual([]);
    expect(JSON.stringify(template.toJSON())).not.toContain('Access-Control');
  });

  it('checks that a body is an object, and that parts of the path are there', () => {
    const validators = resourcesOf(template, 'AWS::ApiGateway::RequestValidator');
    const [[validator, { Properties }] = ['', { Properties: {} }]] = Object.entries(validators);
    expect(Properties).toMatchObject({ ValidateRequestBody: true, ValidateRequestParameters: true });
    for (const method of methods) expect(method.Properties.RequestValidatorId).toEqual({ Ref: validator });
    const posts = methods.filter(({ Properties: { HttpMethod } }) => HttpMethod === 'POST');
    for (const { Properties: post } of posts) expect(post.RequestModels).toHaveProperty('application/json');
    const start = posts.find((post) => pathOf(post).startsWith('/clusters'));
    expect(start?.Properties.RequestParameters).toEqual({
      'method.request.path.name': true,
      'method.request.header.Idempotency-Key': false,
    });
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
      'BAD_REQUEST_BODY invalid-request',
      'BAD_REQUEST_PARAMETERS invalid-request',
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
