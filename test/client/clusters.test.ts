import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Clusters } from '../../client/clusters.ts';
import { clusterOf, configured } from '../core/observations.ts';

const CLUSTER = clusterOf([configured('node1')], { backups: { bucket: 'backups', prefix: '', everyMinutes: 60 } });

/** Functions that all end so, and the registry, for the rest of the test. */
async function functionsThatEnd(error: object): Promise<Clusters> {
  const server = createServer((request, response) => {
    request.resume();
    if (request.headers['x-amz-target']?.toString().endsWith('GetParameter')) {
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(JSON.stringify({ Parameter: { Value: JSON.stringify(CLUSTER) } }));
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'x-amz-function-error': 'Unhandled' });
    response.end(JSON.stringify(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  onTestFinished(() => void vi.unstubAllEnvs());
  const { port } = server.address() as AddressInfo;
  const environment = { AWS_REGION: 'local', AWS_ACCESS_KEY_ID: 'LOCAL', AWS_SECRET_ACCESS_KEY: 'any' };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  return new Clusters({
    ...{ stateMachineArn: 'arn:aws:states:local:000000000000:stateMachine:etcd-remediation', tableName: 'table' },
    ...{ diagnoseFunction: 'diagnose', backupsFunction: 'backups', reports: 's3://reports/remediations/' },
  });
}

const CALLS: readonly [string, (clusters: Clusters) => Promise<unknown>, string, string][] = [
  ['the backups', (clusters) => clusters.backups(CLUSTER.name), 'backups-not-listed', 'list-backups'],
  ['a diagnosis', (clusters) => clusters.diagnose(CLUSTER.name), 'diagnosis-failed', 'diagnose-cluster'],
  ['an analysis', (clusters) => clusters.analyze({ cluster: CLUSTER.name }), 'diagnosis-failed', 'analyze-store'],
];

describe.each(CALLS)('%s of a function that fails', (_, call, kind, step) => {
  it('is a problem of its kind, in the words of an error that says itself what to do', async () => {
    const clusters = await functionsThatEnd({ errorType: 'PreconditionFailed', errorMessage: 'No secret. Make one.' });
    await expect(call(clusters)).rejects.toMatchObject({
      name: kind,
      message: 'PreconditionFailed: No secret. Make one.',
    });
  });

  it('says what to do where the function itself was ended', async () => {
    const clusters = await functionsThatEnd({
      errorType: 'Sandbox.Timedout',
      errorMessage: 'Task timed out after 27.00 seconds',
    });
    await expect(call(clusters)).rejects.toMatchObject({
      name: kind,
      message: expect.stringMatching(
        new RegExp(
          `^Sandbox\\.Timedout: Task timed out after 27\\.00 seconds\\nThe function that runs ${step} has failed, .* Try again\\.`,
        ),
      ),
    });
  });

  it('is to be tried again where AWS did not answer it', async () => {
    const clusters = await functionsThatEnd({ errorType: 'AwsUnavailable', errorMessage: 'S3 was not answered.' });
    await expect(call(clusters)).rejects.toMatchObject({ name: 'unavailable', message: 'S3 was not answered.' });
  });
});
