import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a client of a cluster with TLS presents and trusts, all PEM. */
export type ClientTls = { ca: string; cert?: string; key?: string };

/** Whether the member serves clients and knows a leader: alarms do not count, for they outlast every restart. */
export async function isHealthy(clientUrl: string, tls?: ClientTls): Promise<boolean> {
  const answer = await ask(`${clientUrl}/health?exclude=NOSPACE&exclude=CORRUPT`, tls);
  return answer !== undefined && /"health":\s*"true"/.test(answer);
}

const HEALTHY_WITHIN_MS = 300_000;

/**
 * Waits until a member serves clients and knows a leader.
 * @param isRunning whether it is still worth waiting
 * @returns why it does not, to go on with its name; undefined where it does
 */
export async function unhealthyBecause(
  clientUrl: string,
  tls: ClientTls | undefined,
  isRunning: () => boolean = () => true,
): Promise<string | undefined> {
  const deadline = Date.now() + HEALTHY_WITHIN_MS;
  while (isRunning() && Date.now() < deadline) {
    if (await isHealthy(clientUrl, tls)) return undefined;
    await sleep(50);
  }
  return isRunning() ? `was not healthy within ${HEALTHY_WITHIN_MS / 1000} s` : 'ended';
}

function ask(url: string, tls?: ClientTls): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { agent: false, timeout: 1_000 };
    const request = tls === undefined ? getHttp(url, options) : getHttps(url, { ...options, ...tls });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(undefined));
    request.once('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.once('end', () => resolve(body));
      response.once('error', () => resolve(undefined));
    });
  });
}
