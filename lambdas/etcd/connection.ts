import { type ChannelCredentials, Client, credentials, Metadata } from '@grpc/grpc-js';
import {
  AuthClient,
  ClusterClient,
  type ICallable,
  type IWatchResponse,
  KVClient,
  MaintenanceClient,
} from 'etcd3/lib/rpc.js';
import { PreconditionFailed } from '../../core/errors.ts';
import { type GrpcError, hasReason, toRemediationError } from './errors.ts';
import type { Caller } from './meaning.ts';
import { RPCS, type Rpc } from './rpcs.ts';

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
  /** A token to present in place of a login: it is used as it is, and never renewed. */
  token?: string;
  /** For each call that does not set its own. */
  deadlineMs: number;
  /** A token of another member of the cluster: a learner takes tokens, and gives none; nor does one that only verifies JWTs. */
  borrowToken?: ((deadline: number) => Promise<string>) | undefined;
  /** How much the member may send before it is taken; HTTP/2's own 64 KiB, if not said, which a large answer through a long line waits for. */
  windowBytes?: number;
  /** The largest answer that is taken; grpc-js's own 4 MiB, if not said. */
  mostBytes?: number;
  /** So often the connection is asked for a sign of life while a call is open, whether anything is sent or not; never, if not said. */
  keepAliveMs?: number;
}

/** A piece of a snapshot. */
export interface SnapshotPiece {
  blob: Buffer;
  /** What of the database comes after it, a decimal string. */
  remaining_bytes: string;
}

/** Read from every member; never written. */
export const PROBE_KEY = '/etcd-remediation/probe';

/** Answered by a member on its own. All other calls ask etcd to fail at once where it has no leader, instead of waiting for one. */
const NEEDS_NO_LEADER = new Set(['Maintenance/status', 'Maintenance/defragment']);

/**
 * One gRPC channel to exactly one member.
 *
 * It uses etcd3's proto and typed clients, and none of its policies: its Etcd3 class and its pool are not even bundled. With
 * several hosts etcd3 picks one at random, so another member may serve a defragmentation. Its retries and circuit
 * breaker block a disarm after a refused put. Its own login does not cover every call, and retries a rejected token
 * without end.
 */
export class Connection {
  readonly maintenance: MaintenanceClient;
  readonly cluster: ClusterClient;
  readonly kv: KVClient;
  readonly auth: AuthClient;
  readonly #endpoint: string;
  readonly #client: Client;
  readonly #login: Login | undefined;
  readonly #deadlineMs: number;
  readonly #borrowToken: ConnectionOptions['borrowToken'];
  readonly #caller: Caller;
  /** Undefined before the first login; empty where etcd runs without authentication. */
  #token: string | undefined;

  /** @throws PreconditionFailed when the certificate and the key of `tls` cannot be used */
  constructor({ endpoint, tls, login, token, deadlineMs, borrowToken, ...sizes }: ConnectionOptions) {
    this.#client = openClient(endpoint, tls, sizes);
    this.#endpoint = endpoint;
    this.#login = token === undefined ? login : undefined;
    this.#token = token;
    this.#deadlineMs = deadlineMs;
    this.#borrowToken = borrowToken;
    this.#caller = login || token !== undefined ? 'login' : tls?.cert ? 'certificate' : 'nobody';
    const callable: ICallable<unknown> = {
      exec: (service, method, request, options) =>
        this.#call(`${service}/${method}`, request as object, options?.deadline) as Promise<never>,
      withConnection: () => Promise.reject(new Error('streams are not used')),
      markFailed: () => undefined,
      callOptionsFactory: undefined,
    };
    this.maintenance = new MaintenanceClient(callable);
    this.cluster = new ClusterClient(callable);
    this.kv = new KVClient(callable);
    this.auth = new AuthClient(callable);
  }

  close(): void {
    this.#client.close();
  }

  /** A new token from this very member, for use on any member of its cluster; empty where etcd runs without authentication. */
  async issueToken({ username, password }: Login, deadline: number): Promise<string> {
    try {
      const answer = await this.#send('Auth/authenticate', { name: username, password }, deadline, undefined);
      return (answer as { token: string }).token;
    } catch (error) {
      if (hasReason(error, 'AuthNotEnabled')) return '';
      throw error;
    }
  }

  /**
   * The ID of the cluster that answers here, in decimal. The answer to a watch has it even if that is "permission denied", so no login is needed
   * (measured on 3.3.25, 3.4.23, 3.5.16, 3.5.30, 3.5.35, 3.6.16 and 3.7.3; since 3.5.30 the status and the list are refused).
   */
  async askClusterId(deadline: number): Promise<string> {
    const { path, serialize, deserialize } = RPCS['Watch/watch'] as Rpc;
    const outcome = await new Promise<{ error: GrpcError | null; clusterId: string }>((resolve) => {
      const stream = this.#client.makeBidiStreamRequest(path, serialize, deserialize, new Metadata(), { deadline });
      stream.on('data', ({ header }: IWatchResponse) => {
        resolve({ error: null, clusterId: header.cluster_id });
        stream.cancel();
      });
      // A cancelled stream ends with an error as well.
      stream.on('error', (error: Error & GrpcError) => resolve({ error, clusterId: '' }));
      stream.on('end', () => resolve({ error: { code: 14, details: 'The stream ended.' }, clusterId: '' }));
      stream.write({ create_request: { key: Buffer.from(PROBE_KEY) } });
    });
    if (outcome.error) throw toRemediationError('Watch/watch', this.#endpoint, outcome.error, this.#caller);
    return outcome.clusterId;
  }

  /**
   * Up to which revision history was compacted, as a decimal string. etcd tells it to whoever wants to watch from a revision that is gone.
   * @throws EtcdUnavailable where it does not say so in time, as where nothing was compacted
   */
  async askCompactRevision(deadline: number): Promise<string> {
    const { path, serialize, deserialize } = RPCS['Watch/watch'] as Rpc;
    const metadata = new Metadata();
    if (this.#token) metadata.set('token', this.#token);
    const outcome = await new Promise<GrpcError | string>((resolve) => {
      const stream = this.#client.makeBidiStreamRequest(path, serialize, deserialize, metadata, { deadline });
      stream.on('data', ({ compact_revision, canceled, cancel_reason }: IWatchResponse) => {
        if (compact_revision !== '0') resolve(compact_revision);
        else if (canceled) resolve({ code: 2, details: cancel_reason });
        else return;
        stream.cancel();
      });
      // A cancelled stream ends with an error as well.
      stream.on('error', (error: Error & GrpcError) => resolve(error));
      stream.on('end', () => resolve({ code: 14, details: 'The stream ended.' }));
      stream.write({ create_request: { key: Buffer.from(PROBE_KEY), start_revision: '1' } });
    });
    if (typeof outcome === 'string') return outcome;
    throw toRemediationError('Watch/watch', this.#endpoint, outcome, this.#caller);
  }

  /**
   * The member's database as it is at this moment, and behind it the SHA-256 that etcd has made of it. The next piece comes when one was taken.
   * @param signal ends it: then its reason is thrown
   */
  async *snapshot(deadline: number, signal: AbortSignal): AsyncGenerator<SnapshotPiece> {
    if (this.#login && this.#token === undefined) this.#token = await this.#authenticate(this.#login, deadline);
    let begun = false;
    try {
      for await (const piece of this.#readSnapshot(deadline, signal, this.#token)) {
        begun = true;
        yield piece;
      }
    } catch (error) {
      if (begun || !this.#login || !this.#loginHelps(error)) throw error;
      this.#token = await this.#authenticate(this.#login, deadline);
      yield* this.#readSnapshot(deadline, signal, this.#token);
    }
  }

  async *#readSnapshot(
    deadline: number,
    signal: AbortSignal,
    token: string | undefined,
  ): AsyncGenerator<SnapshotPiece> {
    const { path, serialize, deserialize } = RPCS['Maintenance/snapshot'] as Rpc;
    const metadata = new Metadata();
    if (token) metadata.set('token', token);
    signal.throwIfAborted();
    const stream = this.#client.makeServerStreamRequest(path, serialize, deserialize, {}, metadata, { deadline });
    const cancel = () => stream.cancel();
    signal.addEventListener('abort', cancel);
    try {
      yield* stream as AsyncIterable<SnapshotPiece>;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toRemediationError('Maintenance/snapshot', this.#endpoint, error as GrpcError, this.#caller);
    } finally {
      signal.removeEventListener('abort', cancel);
      stream.on('error', () => undefined);
      cancel();
    }
  }

  /**
   * Logs in before the first call, and once again when the token is not taken any more (it expired, or the member restarted)
   * or authentication was enabled in the meantime. The deadline is for all of it.
   */
  async #call(rpc: string, request: object, ownDeadline: unknown): Promise<unknown> {
    const deadline = typeof ownDeadline === 'number' ? ownDeadline : Date.now() + this.#deadlineMs;
    if (this.#login && this.#token === undefined) this.#token = await this.#authenticate(this.#login, deadline);
    const token = this.#token;
    try {
      return await this.#send(rpc, request, deadline, token);
    } catch (error) {
      if (!this.#login || !this.#loginHelps(error, token)) throw error;
      this.#token = await this.#authenticate(this.#login, deadline);
      return this.#send(rpc, request, deadline, this.#token);
    }
  }

  /** Without a token etcd says the former; the latter where the client has a certificate, whose common name is then its user. */
  #loginHelps(error: unknown, token = this.#token): boolean {
    return hasReason(error, ...(token ? ['TokenRejected', 'TokenOutdated'] : ['LoginRequired', 'PermissionDenied']));
  }

  async #authenticate(login: Login, deadline: number): Promise<string> {
    try {
      return await this.issueToken(login, deadline);
    } catch (error) {
      if (!this.#borrowToken || !hasReason(error, 'LearnerRefused', 'VerifyOnly')) throw error;
      return this.#borrowToken(deadline).catch((failure: Error) => {
        // A member that verifies runs, whatever keeps those from it that sign.
        if (!hasReason(error, 'VerifyOnly')) throw failure;
        throw new PreconditionFailed(
          `${(error as Error).message} No other member gives a token either, and without a token the login fails: ${failure.message} At least one ` +
            'member that signs JWTs has to answer (priv-key in its --auth-token); a token cannot be configured.',
          'VerifyOnly',
        );
      });
    }
  }

  #send(rpc: string, request: object, deadline: number, token: string | undefined): Promise<unknown> {
    const { path, serialize, deserialize } = RPCS[rpc] as Rpc;
    const metadata = new Metadata();
    if (token) metadata.set('token', token);
    const { serializable = false, linearizable = true } = request as { serializable?: boolean; linearizable?: boolean };
    const isOwnWord = serializable || !linearizable;
    if (!NEEDS_NO_LEADER.has(rpc) && !isOwnWord) metadata.set('hasleader', 'true');
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        metadata,
        { deadline },
        (error, response) => {
          if (error) reject(toRemediationError(rpc, this.#endpoint, error, this.#caller));
          else resolve(response);
        },
      );
    });
  }
}

/** A channel of its own to one address: nothing is retried, and nothing is shared with another connection. */
function openClient(
  endpoint: string,
  tls: ClientTls | undefined,
  { windowBytes, mostBytes, keepAliveMs }: Pick<ConnectionOptions, 'windowBytes' | 'mostBytes' | 'keepAliveMs'>,
): Client {
  // grpc-js takes neither a scheme nor a slash at the end.
  const [, scheme, address = ''] = /^(https?):\/\/(.*?)\/?$/.exec(endpoint.toLowerCase()) ?? [];
  return new Client(address, channelCredentials(endpoint, scheme === 'https', tls), {
    'grpc.enable_retries': 0,
    // A shared subchannel would keep the back-off of an earlier client of the same process.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    // Nobody asks for gRPC's own statistics.
    'grpc.enable_channelz': 0,
    // Nor does a record in DNS say how a member is asked.
    'grpc.service_config_disable_resolution': 1,
    // A member that restarts is polled; grpc-js would wait up to two minutes between two attempts to connect.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 500,
    ...(windowBytes !== undefined && { 'grpc-node.flow_control_window': windowBytes }),
    ...(mostBytes !== undefined && { 'grpc.max_receive_message_length': mostBytes }),
    ...(keepAliveMs !== undefined && { 'grpc.keepalive_time_ms': keepAliveMs }),
  });
}

/** Without a `tls` of the cluster's, a certificate is held against the CAs that this machine trusts. */
function channelCredentials(endpoint: string, isHttps: boolean, tls: ClientTls | undefined): ChannelCredentials {
  if (!tls) return isHttps ? credentials.createSsl() : credentials.createInsecure();
  const { ca, cert, key } = tls;
  try {
    return cert && key
      ? credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert))
      : credentials.createSsl(Buffer.from(ca));
  } catch (error) {
    throw new PreconditionFailed(
      `${endpoint}: the certificate and the key of the cluster's tls secret cannot be used (${(error as Error).message}). They must be ` +
        'PEM texts that belong together, the key without a passphrase.',
    );
  }
}
