import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';

/** What a client of a cluster with TLS presents and trusts, all PEM. */
export type ClientTls = { ca: string; cert?: string; key?: string };

/** Whether the member serves clients and knows a leader: alarms do not count, for they outlast every restart. */
export async function isHealthy(clientUrl: string, tls?: ClientTls): Promise<boolean> {
  const answer = await ask(`${clientUrl}/health?exclude=NOSPACE&exclude=CORRUPT`, tls);
  return answer !== undefined && /"health":\s*"true"/.test(answer);
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
