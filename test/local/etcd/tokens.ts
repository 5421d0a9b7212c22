import { Connection, type ConnectionOptions, type Login } from '../../../lambdas/etcd/connection.ts';
import { WAIT_MS } from '../../run/patience.ts';

const DEADLINE_MS = WAIT_MS;

/** A token that the member at this client URL issues. */
export async function issueToken(endpoint: string, login: Login, tls?: ConnectionOptions['tls']): Promise<string> {
  const connection = new Connection({ endpoint, tls, deadlineMs: DEADLINE_MS });
  try {
    return await connection.issueToken(login, Date.now() + DEADLINE_MS);
  } finally {
    connection.close();
  }
}

/**
 * What a member says to a read with a token: `taken`, or its message. Asked through its gateway, which takes whatever token it is given
 * and does not log in again. 3.3 has it under another name, and 3.4 does not have it where it is started with a config file.
 */
export async function readWithToken(clientUrl: string, token: string): Promise<string> {
  const { etcdserver } = (await (await fetch(`${clientUrl}/version`)).json()) as { etcdserver: string };
  const api = etcdserver.startsWith('3.3.') ? 'v3beta' : 'v3';
  const answer = await fetch(`${clientUrl}/${api}/kv/range`, {
    method: 'POST',
    headers: { authorization: token },
    body: JSON.stringify({ key: Buffer.from('any').toString('base64') }),
  });
  return answer.ok ? 'taken' : ((await answer.json()) as { message: string }).message;
}
