import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientTls, Connection } from '../lambdas/etcd/connection.ts';

const DEADLINE_MS = 1_000;
/** After a refusal, so that the machine has time for the others. */
const PAUSE_MS = 1;

/** Someone without a login, and without a client certificate, who reads and writes at every member as fast as it lets him. */
export class Intruder {
  /** Requests that were answered as if he were someone. */
  admitted = 0;
  readonly #connections: Connection[];
  readonly #lanes: Promise<void>[];
  #stopped = false;

  constructor(endpoints: readonly string[], tls: ClientTls | undefined) {
    this.#connections = endpoints.map(
      (endpoint) => new Connection({ endpoint, tls: tls && { ca: tls.ca }, deadlineMs: DEADLINE_MS }),
    );
    this.#lanes = this.#connections.map((connection) => this.#intrude(connection));
  }

  /** Ends it and waits for the requests under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    for (const connection of this.#connections) connection.close();
  }

  async #intrude({ kv }: Connection): Promise<void> {
    const key = Buffer.from('drill/intruder');
    for (let turn = 0; !this.#stopped; turn++) {
      const request = turn % 2 === 0 ? kv.range({ key, serializable: true }) : kv.put({ key, value: key });
      const admitted = await request.then(
        () => true,
        () => false,
      );
      if (admitted) this.admitted++;
      else await sleep(PAUSE_MS);
    }
  }
}
