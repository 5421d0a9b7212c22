import { describe, expect, it } from 'vitest';
import { inspect } from './inspected-host.ts';
import { PreparedHost } from './prepared-host.ts';

describe('inspect-host reads certificates', () => {
  const block = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
  const key = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';

  function hostWith(form: 'yaml' | 'flow' | 'flags', files: Record<string, string>): PreparedHost {
    const host = new PreparedHost();
    for (const [name, text] of Object.entries(files)) host.write(name, text);
    const at = (name: string) => host.path(name);
    const settings = {
      yaml:
        `client-transport-security:\n  cert-file: ${at('server')} # of clients\n  client-cert-auth: true\n  trusted-ca-file: ${at('client-ca')}\n  key-file: "${at('server.key')}"\n` +
        `peer-transport-security:\n  client-cert-auth: true\n  trusted-ca-file: ${at('ca')}\n  cert-file: '${at('peer')}'\n  key-file: ${at('peer.key')}\n`,
      flow:
        `client-transport-security: {cert-file: ${at('server')}, trusted-ca-file: ${at('client-ca')}, key-file: ${at('server.key')}}\n` +
        `peer-transport-security: {"client-cert-auth": true, trusted-ca-file: ${at('ca')}, cert-file: "${at('peer')}", key-file: ${at('peer.key')}}\n`,
      flags: '',
    }[form];
    if (settings !== '') host.write('etcd.conf', settings);
    const flags =
      `--cert-file=${at('server')} --trusted-ca-file=${at('client-ca')} --key-file=${at('server.key')} --peer-trusted-ca-file ${at('ca')} ` +
      `--peer-cert-file=${at('peer')} --peer-key-file=${at('peer.key')}`;
    const argv = form === 'flags' ? flags : `--config-file ${at('etcd.conf')}`;
    host.setProperties({
      ExecStart: `{ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd ${argv} ; ignore_errors=no ; pid=0 }`,
    });
    return host;
  }
  const missing = ({ refusals }: Awaited<ReturnType<typeof inspect>>) =>
    refusals.filter(({ refusal }) => refusal === 'certificate-missing');

  it.each(['yaml', 'flow', 'flags'] as const)('whose files are named as %s, and never a key', async (form) => {
    using host = hostWith(form, {
      server: `${key}text before\n${block('c2Vy\r\ndmVy')}${block('aW50')}`,
      peer: block('cGVlcg=='),
      ca: block('Y2E='),
      'client-ca': block('Y2NhMQ=='),
      'server.key': key,
      'peer.key': key,
    });
    const found = await inspect(host);
    expect(found.certificates).toEqual([
      { use: 'peer', file: host.path('peer'), der: 'cGVlcg==' },
      { use: 'server', file: host.path('server'), der: 'c2VydmVy' },
      { use: 'peer-ca', file: host.path('ca'), der: 'Y2E=' },
      { use: 'client-ca', file: host.path('client-ca'), der: 'Y2NhMQ==' },
    ]);
    expect(missing(found)).toEqual([]);
    expect(JSON.stringify(found)).not.toContain('c2VjcmV0');
  });

  it('and says which are not there, and which hold none', async () => {
    using host = hostWith('yaml', { server: key, 'server.key': key, ca: block('Y2E=').repeat(2), 'client-ca': '' });
    const found = await inspect(host);
    expect(found.certificates).toEqual([{ use: 'server', file: host.path('server'), der: '' }]);
    expect(missing(found)).toEqual([
      {
        incident: 'any',
        refusal: 'certificate-missing',
        message: expect.stringContaining(
          `${host.path('peer')} (peer-cert-file), ${host.path('peer.key')} (peer-key-file). Without them etcd does not start.`,
        ),
      },
    ]);
  });

  it('and a CA of peers and clients once', async () => {
    using host = hostWith('flags', { ca: block('Y2E=') });
    const same = host.path('ca');
    host.setProperties({
      ExecStart: `{ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd --trusted-ca-file=${same} --peer-trusted-ca-file=${same} ; ignore_errors=no ; pid=0 }`,
    });
    expect((await inspect(host)).certificates).toEqual([{ use: 'peer-ca', file: same, der: 'Y2E=' }]);
  });

  it('of a length that leaves room for what stops a runbook', async () => {
    using host = hostWith('yaml', {
      ...{ server: block('A'.repeat(4001)), peer: block('B'.repeat(4000)), ca: '', 'server.key': key, 'peer.key': key },
    });
    expect((await inspect(host)).certificates.map(({ use, der }) => [use, der.length])).toEqual([['peer', 4000]]);
  });
});
