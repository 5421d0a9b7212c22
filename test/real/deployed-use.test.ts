import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { AwsError } from '../../local/aws/aws-error.ts';
import { type AwsEndpoint, serveAwsEndpoint } from '../../local/aws/endpoint.ts';
import type { Operation } from '../../local/aws/iam.ts';
import { systemsManager } from '../../local/aws/services.ts';
import { etcdRemediation, startIn } from '../cli/command.ts';
import { resultOf } from '../cli/deployed-scene.ts';

describe('the help of a command for what is deployed', () => {
  const AWS = ['region', 'profile', 'prefix', 'json', 'help'];
  it.each([
    ['start', ['incident', 'member', 'dry-run', 'reason', 'parameters', 'id', 'watch', ...AWS]],
    ['status', AWS],
    ['watch', AWS],
    ['approve', ['reason', 'approval', 'yes', ...AWS]],
    ['reject', ['reason', 'approval', 'yes', ...AWS]],
    ['stop', ['reason', ...AWS]],
    ['clusters', AWS],
  ])('names every option, whose AWS it is, and has an example: %s', async (command, options) => {
    const { status, stdout } = await etcdRemediation(command, '--help');
    expect(status).toBe(0);
    expect([...stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name)).toEqual(options);
    expect(stdout).toContain('AWS_PROFILE, AWS_REGION');
    expect(stdout).toMatch(
      new RegExp(
        `^Examples:\n( {2}npx --no etcd-remediation ${command}\\b.*\n)+\nExit status: 0 .* 2 for a wrong use`,
        'm',
      ),
    );
  });

  it('of diagnose says which diagnosis it is', async () => {
    const { stdout } = await etcdRemediation('diagnose', '--help');
    expect(stdout).toContain('With --deployed');
    expect(stdout).toMatch(/^ {2}npx --no etcd-remediation diagnose orders --deployed$/m);
  });
});

/** Nothing is sent: there is no AWS. */
describe('a command for what is deployed that is used wrongly', () => {
  const nowhere = { AWS_REGION: 'nowhere', AWS_EC2_METADATA_DISABLED: 'true', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' };

  it.each([
    ['parameters that are not JSON', ['start', 'orders', '--parameters', '{a'], 'It is not JSON: '],
    [
      'parameters of no incident',
      ['start', 'orders', '--parameters', '{}'],
      '--parameters is for one runbook: say with --incident',
    ],
    [
      'parameters of another runbook',
      ['start', 'orders', '--incident', 'quorum-lost', '--parameters', '{"retainRevisions":1}'],
      '- parameters.retainRevisions: is not a known field',
    ],
    [
      'a member of no incident',
      ['start', 'orders', '--member', 'node1'],
      '--member is for member-failed alone: give --incident member-failed with it',
    ],
    ['an unknown incident', ['start', 'orders', '--incident', 'fire'], 'Allowed choices are data-corrupt, quorum-lost'],
    ['an ID that none can be', ['start', 'orders', '--id', 'a b'], '- --id: must be 1 to 80 letters'],
    ['no cluster', ['start'], "missing required argument 'cluster'"],
    ['a stop that does not say why', ['stop', 'x'], "required option '--reason <text>' not specified"],
    ['a stop whose reason is empty', ['stop', 'x', '--reason', ''], '- --reason: must say why'],
    ['a rejection whose reason is empty', ['reject', 'x', '--yes', '--reason', ''], '- --reason: must say why'],
    ['a rejection that does not say why', ['reject', 'x', '--yes'], "required option '--reason <text>' not specified"],
    [
      'a reason that is too long',
      ['approve', 'x', '--yes', '--reason', 'y'.repeat(1025)],
      '- --reason: must be at most 1024',
    ],
    ['an answer where nobody can be asked', ['approve', 'x'], 'the question cannot be asked here'],
    [
      'files for a deployed diagnosis',
      ['diagnose', '--deployed', '--hosts', 'x'],
      "cannot be used with option '--hosts",
    ],
    ['a cluster twice', ['diagnose', 'a', 'b', '--deployed'], "too many arguments for 'diagnose'"],
  ])('ends with 2 and says why: %s', async (_, args, message) => {
    const ended = await startIn(nowhere, ...args, '--json').ended;
    expect(ended.status, ended.stderr).toBe(2);
    expect(ended.stderr).toContain(message);
    expect(resultOf(ended)).toMatchObject({ outcome: 'InvalidInput', report: { error: 'InvalidInput' } });
  });
});

describe('a command that finds no deployment', () => {
  const alone = {
    AWS_REGION: '',
    AWS_PROFILE: '',
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const key = { ...alone, AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'hunter2' };
  const endpoints: AwsEndpoint[] = [];
  afterAll(() => Promise.all(endpoints.map((endpoint) => endpoint.close())));

  async function refusalIn(environment: Readonly<Record<string, string>>, ...flags: string[]) {
    const ended = await startIn(environment, 'clusters', '--json', ...flags).ended;
    expect(ended.status, ended.stderr).toBe(1);
    const { outcome, report } = resultOf(ended);
    expect([report.error, ended.stderr]).toEqual([
      outcome,
      `${outcome}: ${report.cause}\nExplained in docs/troubleshooting.md#${String(outcome).toLowerCase()}\n`,
    ]);
    expect(ended.stderr).not.toContain('hunter2');
    return ended.stderr;
  }

  async function ssm(refuse: Operation): Promise<Record<string, string>> {
    const endpoint = await serveAwsEndpoint({ 'AmazonSSM.GetParameter': refuse }, 'KEY');
    endpoints.push(endpoint);
    return { ...key, AWS_ENDPOINT_URL_SSM: endpoint.url };
  }

  it('says so where there is none, and where it has looked', async () => {
    const environment = await ssm(systemsManager({})['AmazonSSM.GetParameter'] as Operation);
    expect(await refusalIn(environment, '--region', 'eu-west-1')).toMatch(
      /^PreconditionFailed: Nothing is deployed in the region eu-west-1 .* \/etcd-remediation\/deployment\. Say with --region/,
    );
  });

  it('says so where what is deployed is of another version', async () => {
    const other = await ssm(() => ({ Parameter: { Value: '{"tableName":"x"}' } }));
    expect(await refusalIn(other)).toMatch(
      /^PreconditionFailed: What is deployed in the region eu-central-1 is of another/,
    );
  });

  it('says how to log in where there are no credentials, or none that count', async () => {
    const expired = await ssm(() => {
      throw new AwsError('ExpiredTokenException', 'The security token included in the request is expired');
    });
    const unknown = { ...expired, AWS_ACCESS_KEY_ID: 'OTHER' };
    for (const environment of [{ ...alone, AWS_REGION: 'eu-central-1' }, expired, unknown]) {
      expect(await refusalIn(environment)).toMatch(
        /^PreconditionFailed: AWS takes no credentials from here \(.*"aws sso login"/,
      );
    }
    expect(await refusalIn(key, '--profile', 'nobody')).toContain('AWS takes no credentials from here');
  });

  it('says which permission is missing', async () => {
    const denied = await ssm(() => {
      throw new AwsError('AccessDeniedException', 'User: alice is not authorized to perform: ssm:GetParameter');
    });
    expect(await refusalIn(denied)).toMatch(
      /^PreconditionFailed: You may not do this: User: alice .*: ssm:GetParameter\. Ask/,
    );
  });

  it('says that no region is known', async () => {
    expect(await refusalIn(alone)).toMatch(
      /^PreconditionFailed: It is not known in which region to look \(.*\): give --region/,
    );
  });

  it('says that AWS was not reached', async () => {
    const server = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await refusalIn({ ...key, AWS_ENDPOINT_URL_SSM: url })).toMatch(/^AwsUnavailable: AWS did not answer /);
    await new Promise((resolve) => server.close(resolve));
  });
});
