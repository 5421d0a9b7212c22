import { DescribeInstanceInformationCommand, ListCommandsCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { HOST, OTHER_HOST, serveControlService } from '../../lambdas/hosts/support.ts';
import { BOTH, ended, NAME, send } from './sent-commands.ts';

describe('the list of commands', () => {
  it('has those of all hosts, newest first, by document and time', async () => {
    await serveControlService('echo done', BOTH);
    const [first, second] = [await send({ Comment: 'first' }), await send({ Comment: 'second' })];
    const third = await send({ InstanceIds: [OTHER_HOST, HOST] });
    await ended(second);
    const list = async (key?: 'DocumentName' | 'InvokedAfter', value = '') => {
      const Filters = key && [{ key, value }];
      return (await new SSMClient({}).send(new ListCommandsCommand({ ...(Filters && { Filters }) }))).Commands ?? [];
    };
    const all = await list();
    expect(all.map(({ CommandId }) => CommandId)).toEqual([third, second, first]);
    expect(all[1]).toMatchObject({ Comment: 'second', DocumentName: NAME, InstanceIds: [HOST] });
    expect(all[0]).toMatchObject({ InstanceIds: [OTHER_HOST, HOST], RequestedDateTime: expect.any(Date) });
    expect(await list('DocumentName', NAME)).toHaveLength(3);
    expect(await list('DocumentName', 'other')).toEqual([]);
    expect(await list('InvokedAfter', new Date(Date.now() - 60_000).toISOString())).toHaveLength(3);
    expect(await list('InvokedAfter', new Date(Date.now() + 60_000).toISOString())).toEqual([]);
  });

  it('comes in pages', async () => {
    await serveControlService('echo done');
    const ids = [await send(), await send(), await send()];
    const page = async (NextToken?: string) =>
      new SSMClient({}).send(new ListCommandsCommand({ MaxResults: 2, NextToken }));
    const first = await page();
    const second = await page(first.NextToken);
    const found = [first, second].flatMap(({ Commands = [] }) => Commands.map((one) => one.CommandId));
    expect(found).toEqual(ids.toReversed());
    expect(second.NextToken).toBeUndefined();
  });
});

describe('instance information', () => {
  it('tells of each known host whether a script starts there, ten at a time', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `i-${index}`);
    const hosts = Object.fromEntries(ids.map((id, index) => [id, { exec: index === 11 ? ['false'] : ['sh'] }]));
    await serveControlService('echo done', hosts);
    const describeHosts = (NextToken?: string) =>
      new SSMClient({}).send(
        new DescribeInstanceInformationCommand({
          Filters: [{ Key: 'InstanceIds', Values: [...ids, 'i-unknown'] }],
          NextToken,
        }),
      );
    const first = await describeHosts();
    const second = await describeHosts(first.NextToken);
    const found = [first, second].map(({ InstanceInformationList = [] }) =>
      InstanceInformationList.map(({ InstanceId, PingStatus }) => `${InstanceId} ${PingStatus}`),
    );
    expect(found).toEqual([
      ids.slice(0, 10).map((id) => `${id} Online`),
      [
        'i-10 Online',
        'i-11 exit status 1',
        `i-unknown it is not in hosts.json, which has ${ids.join(', ')}: add it there`,
      ],
    ]);
  });
});
