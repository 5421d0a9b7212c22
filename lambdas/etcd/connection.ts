import { noop } from 'cockatiel';
import { ConnectionPool } from 'etcd3/lib/connection-pool.js';
import { ClusterClient, type ICallable, KVClient, MaintenanceClient } from 'etcd3/lib/rpc.js';
import { type GrpcError, hasReason, toRemediationError } from './errors.ts';

/** A user of etcd; the user needs the root role. */
export interface Login {
  username: string;
  password: string;
}

/** PEM texts. `cert` and `key` where etcd asks clients for a certificate. */
export interface ClientTls {
  ca: string;
  cert?: string | undefined;
  key?: string | undefined;
}

export interface ConnectionOptions {
  /** The member's client URL. */
  endpoint: string;
  tls?: ClientTls | undefined;
  login?: Login | undefined;
  /** For each call that does not set its own. */
  deadlineMs: number;
}

type Service = 'KV' | 'Maintenance' | 'Cluster' | 'Auth';
type UnaryMethod = (
  request: unknown,
  metadata: unknown,
  options: { deadline: number },
  done: (error: GrpcError | null, response: unknown) => void,
) => void;

/**
 * One gRPC connection to exactly one member.
 *
 * It takes etcd3's proto, channels and typed clients, and none of its policies (its Etcd3 class is not even bundled): with several hosts etcd3 picks one at random,
 * so that a defragmentation is served by another member; its retries and circuit breaker block a disarm after a refused
 * put; and its own login does not cover every call and retries a rejected token without end.
 */
export class Connection {
  readonly maintenance: MaintenanceClient;
  readonly cluster: ClusterClient;
  readonly kv: KVClient;
  readonly #endpoint: string;
  readonly #pool: ConnectionPool;
  readonly #login: Login | undefined;
  readonly #deadlineMs: number;
  /** Undefined before the first login; empty where etcd runs without authentication. */
  #token: string | undefined;

  constructor({ endpoint, tls, login, deadlineMs }: ConnectionOptions) {
    this.#pool = new ConnectionPool({
      hosts: endpoint,
      ...(tls && { credentials: tlsCredentials(tls) }),
      faultHandling: { host: () => noop, global: noop },
      grpcOptions: {
        'grpc.enable_retries': 0,
        // A shared subchannel would keep the back-off of an earlier client of the same process.
        'grpc.use_local_subchannel_pool': 1,
        'grpc.enable_http_proxy': 0,
        // A member that restarts is polled; grpc-js would wait up to two minutes between two attempts to connect.
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 500,
      },
    });
    this.#endpoint = endpoint;
    this.#login = login;
    this.#deadlineMs = deadlineMs;
    const callable: ICallable<unknown> = {
      exec: (service, method, request, options) =>
        this.#call(service as Service, method, request, options?.deadline) as Promise<never>,
      withConnection: () => Promise.reject(new Error('streams are not used')),
      markFailed: () => undefined,
      callOptionsFactory: undefined,
    };
    this.maintenance = new MaintenanceClient(callable);
    this.cluster = new ClusterClient(callable);
    this.kv = new KVClient(callable);
  }

  close(): void {
    this.#pool.close();
  }

  /** Logs in before the first call, and once again when the token is not taken any more (it expired, or the member restarted). */
  async #call(service: Service, method: string, request: unknown, deadline: unknown): Promise<unknown> {
    if (this.#login && this.#token === undefined) this.#token = await this.#authenticate(this.#login);
    try {
      return await this.#send(service, method, request, deadline, this.#token);
    } catch (error) {
      const loginHelps = hasReason(error, 'TokenRejected') || (hasReason(error, 'LoginRequired') && this.#token === '');
      if (!this.#login || !loginHelps) throw error;
      this.#token = await this.#authenticate(this.#login);
      return this.#send(service, method, request, deadline, this.#token);
    }
  }

  async #authenticate({ username, password }: Login): Promise<string> {
    try {
      const answer = await this.#send('Auth', 'authenticate', { name: username, password }, undefined, undefined);
      return (answer as { token: string }).token;
    } catch (error) {
      if (hasReason(error, 'AuthNotEnabled')) return '';
      throw error;
    }
  }

  async #send(
    service: Service,
    method: string,
    request: unknown,
    deadline: unknown,
    token: string | undefined,
  ): Promise<unknown> {
    // The outcome is passed on as a value: etcd3 would replace a rejection by an error without code and details.
    const outcome = await this.#pool.withConnection(service, ({ client, metadata }) => {
      const withToken = metadata.clone();
      if (token) withToken.set('token', token);
      const options = { deadline: typeof deadline === 'number' ? deadline : Date.now() + this.#deadlineMs };
      return new Promise<{ error: GrpcError | null; response: unknown }>((resolve) => {
        const unary = (client as unknown as Record<string, UnaryMethod>)[method];
        unary?.call(client, request, withToken, options, (error, response) => resolve({ error, response }));
      });
    });
    if (outcome.error) throw toRemediationError(`${service}/${method}`, this.#endpoint, outcome.error);
    return outcome.response;
  }
}

function tlsCredentials({ ca, cert, key }: ClientTls) {
  return {
    rootCertificate: Buffer.from(ca),
    ...(cert && key && { certChain: Buffer.from(cert), privateKey: Buffer.from(key) }),
  };
}
