import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHECK_STATE_MACHINE, type CheckReport } from '../../core/diagnosis/check.ts';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import { issueCertificates } from '../../local/etcd/certificates.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { hostedStage, outputOf, replace, serviceOf } from '../scenes/hosted-scene.ts';
import { namesOf } from '../scenes/lost-quorum.ts';
import { pictureOf } from '../scenes/picture.ts';
import { HURRIED, statesOf, until } from '../scenes/scene.ts';

const YESTERDAY = { notBefore: new Date(Date.now() - 3 * 86_400_000), notAfter: new Date(Date.now() - 86_400_000) };

let stage: HostedStage;
beforeAll(async () => {
  stage = await hostedStage({ tls: true, clock: HURRIED });
});
afterAll(async () => stage?.close());

const pkiOf = (name: string) => `${dirname(stage.cluster.member(name).host.layout.configFile)}/pki`;

/** m3 shows its peers a certificate that has expired, of a CA that all of them trust. */
async function expirePeerCertificate(): Promise<void> {
  const { ca, server } = await issueCertificates([], { lifetime: YESTERDAY });
  for (const name of namesOf(stage)) {
    await stage.cluster.run(name, `cat >> '${pkiOf(name)}/ca.crt' <<'END'\n${ca}\nEND`);
    if (name === 'm3') continue;
    await stage.cluster.run(name, `systemctl restart ${UNIT}`);
    await stage.cluster.waitUntilHealthy([name]);
  }
  const { host } = stage.cluster.member('m3');
  await stage.cluster.run(
    'm3',
    `set -eu
    cat > '${pkiOf('m3')}/peer.crt' <<'END'\n${server.cert}\nEND
    cat > '${pkiOf('m3')}/peer.key' <<'END'\n${server.key}\nEND
    chown '${host.layout.user}:${host.layout.group}' '${pkiOf('m3')}'/peer.*
    sed -i "/^peer-transport-security:/,\\$ s|/server\\.|/peer.|" '${host.layout.configFile}'
    systemctl restart --no-block ${UNIT}`,
  );
  await until(async () => {
    const log = await stage.cluster.run('m3', `journalctl -u ${UNIT} -n 200 --no-pager -q -o cat`);
    return log.includes('expired certificate');
  });
}

it('a member whose peer certificate has expired is not replaced: the certificate is named before anything is changed, and renewing it is the cure', async () => {
  await expirePeerCertificate();
  expect(await serviceOf(stage.cluster, 'm3')).toBe('activating');
  const before = await pictureOf(stage);
  // Both at once, for most of their time they wait for m3.
  const executions = await Promise.all([true, false].map((dryRun) => replace(stage, { dryRun })));
  for (const execution of executions) {
    expect(execution).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed' });
    expect(execution.status === 'FAILED' && execution.cause).toMatch(
      /^The host \S+ is not ready for the replacement of m3; nothing was changed\.\n- its peers refuse its peer certificate.*\n- the peer certificate \(\S+\/peer\.crt\) has ended a day ago, on \S+: renew it/,
    );
    expect(statesOf(execution)).not.toContain('Stop service');
  }
  expect(await pictureOf(stage)).toEqual(before);

  const { ended } = stage.platform.executions.start({
    stateMachineName: CHECK_STATE_MACHINE,
    input: { cluster: CLUSTER_NAME },
  });
  const { findings, certificates } = outputOf(await ended) as unknown as CheckReport;
  expect(findings.find(({ area }) => area === 'cluster')?.message).toMatch(
    /^member-failed: m3 .* Look at the certificates first, and replace and restore nothing before they hold: the peer certificate of m3 \(\S+\/peer\.crt\) has ended a day ago/,
  );
  expect(certificates[0]).toMatchObject({ owner: expect.stringContaining('the peer certificate of m3'), daysLeft: -2 });

  await stage.cluster.run('m3', `cd '${pkiOf('m3')}'; cat server.crt > peer.crt; cat server.key > peer.key`);
  await stage.cluster.waitUntilHealthy(['m3']);
  expect(await serviceOf(stage.cluster, 'm3')).toBe('active');
});
