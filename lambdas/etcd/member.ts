import { AlarmAction, AlarmType, CompareResult, CompareTarget } from 'etcd3/lib/rpc.js';
import type { AnsweringMember, ListedMember, RaisedAlarm } from '../../core/cluster/observation.ts';
import { EtcdUnavailable, RemediationError } from '../../core/errors.ts';
import { MemberAuthentication } from './authentication.ts';
import { Connection, type ConnectionOptions, PROBE_KEY, type SnapshotPiece } from './connection.ts';
import { changed, hasReason } from './errors.ts';
import { fromHex, toHex } from './ids.ts';
import { ALL_KEYS, KeyReader } from './key-reader.ts';
import { readStatus } from './member-status.ts';

/** How long a member that is being waited for gets to answer one question. */
const PROBE_DEADLINE_MS = 2_000;
const PROBE_INTERVAL_MS = 250;
/** It has answered a moment ago, and this it reports from memory. */
const OWN_LIST_MS = 1_000;

/**
 * While a snapshot is kept open nothing passes, and what lies in between forgets a connection after some minutes: a Network Load Balancer after 350 s.
 * etcd takes such a question each five seconds (--grpc-keepalive-min-time).
 */
const KEEP_ALIVE_MS = 20_000;

/** A line of 10 ms takes 400 MB in a second then. */
const SNAPSHOT_WINDOW_BYTES = 4 * 1024 * 1024;

export interface MemberOptions extends Omit<ConnectionOptions, 'endpoint' | 'deadlineMs'> {
  name: string;
  clientUrl: string;
  /** The configured quota, for etcd before 3.6, whose status does not say it. */
  quotaBytes: number;
  deadlineMs?: number;
}

/**
 * One etcd member in the terms of the runbooks: every call is served by this member and no other, and ends by a deadline.
 * IDs are hex, revisions and raft indexes decimal strings, sizes bytes. Each method throws the errors of ./errors.ts.
 */
export class EtcdMember {
  readonly name: string;
  readonly endpoint: string;
  readonly authentication: MemberAuthentication;
  readonly #quotaBytes: number;
  readonly #options: ConnectionOptions;
  readonly #connection: Connection;

  constructor({ name, clientUrl, quotaBytes, deadlineMs = 5_000, ...rest }: MemberOptions) {
    this.name = name;
    this.endpoint = clientUrl;
    this.#quotaBytes = quotaBytes;
    this.#options = { endpoint: clientUrl, deadlineMs, ...rest };
    this.#connection = new Connection(this.#options);
    this.authentication = new MemberAuthentication(this.#options, this.#connection);
  }

  async status(deadlineMs?: number): Promise<AnsweringMember> {
    const status = await this.#connection.maintenance.status(within(deadlineMs));
    return { name: this.name, endpoint: this.endpoint, ...readStatus(status, this.#quotaBytes) };
  }

  /** Through consensus, so that it is the cluster's list and not one member's memory of it. */
  async memberList(): Promise<ListedMember[]> {
    const { members } = await this.#connection.cluster.memberList({ linearizable: true });
    return members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
      id: toHex(ID),
      name,
      peerUrls: peerURLs,
      clientUrls: clientURLs,
      isLearner,
    }));
  }

  /**
   * Whom this member itself lists, and as whom the one of `id`. It answers without a leader. etcd's grpc-proxy lists itself alone, with the ID 0.
   * @returns nothing where it does not say
   */
  async ownList(id: string): Promise<Pick<AnsweringMember, 'entry' | 'list'>> {
    try {
      const { members } = await this.#connection.cluster.memberList({ linearizable: false }, within(OWN_LIST_MS));
      const list = members.map(({ ID, name, peerURLs }) => ({ id: toHex(ID), name, peerUrls: peerURLs }));
      const own = list.find((listed) => listed.id === id) ?? list.find((listed) => listed.id === '0');
      return { list, ...(own && { entry: { name: own.name, peerUrls: own.peerUrls } }) };
    } catch (error) {
      if (!(error instanceof RemediationError)) throw error;
      return {};
    }
  }

  /** Of which cluster it is. It says so also to clients that it does not let in. @returns nothing where it does not say */
  async ownCluster(): Promise<{ clusterId?: string }> {
    try {
      return { clusterId: toHex(await this.#connection.askClusterId(Date.now() + OWN_LIST_MS)) };
    } catch (error) {
      if (!(error instanceof RemediationError)) throw error;
      return {};
    }
  }

  /** @returns whether it was still a member; one that is gone already is success */
  async removeMember(id: string): Promise<boolean> {
    return changed(this.#connection.cluster.memberRemove({ ID: fromHex(id) }), 'MemberNotFound');
  }

  /** @returns whether it was added now; a peer URL that is a member's already is success */
  async addMember(peerUrls: string[], isLearner: boolean): Promise<boolean> {
    const added = this.#connection.cluster.memberAdd({ peerURLs: peerUrls, isLearner });
    try {
      return await changed(added, 'MemberExists', 'PeerUrlExists');
    } catch (error) {
      // etcd makes an ID of the peer URLs and the second, and never takes one again that was removed.
      if (!hasReason(error, 'MemberNotFound')) throw error;
      throw new EtcdUnavailable(
        `${this.endpoint}: ${peerUrls.join(', ')} was added and removed within this second. The next one will do.`,
      );
    }
  }

  /**
   * Sent to the leader: before 3.5.28 a follower does not pass on the login (https://github.com/etcd-io/etcd/issues/21494).
   * @returns whether it was promoted now; a voter is success
   */
  async promoteMember(id: string): Promise<boolean> {
    return changed(this.#connection.cluster.memberPromote({ ID: fromHex(id) }), 'NotALearner');
  }

  /** The hash of this member's keys at one revision, and down to which revision they were compacted by then. */
  async hashAt(revision: string, deadlineMs: number): Promise<{ hash: number; compactRevision: string }> {
    const deadline = Date.now() + deadlineMs;
    const { hash, compact_revision } = await this.#connection.maintenance.hashKV({ revision }, { deadline });
    return { hash: Number(hash), compactRevision: compact_revision };
  }

  /**
   * The hash of all that this member has, and at which revision that is. It is computed anew: {@link hashAt} answers from what a member remembers of a
   * compaction at that revision, with the one before it as `compactRevision`.
   */
  async newestHash(deadlineMs: number): Promise<{ hash: number; compactRevision: string; revision: string }> {
    const deadline = Date.now() + deadlineMs;
    const answer = await this.#connection.maintenance.hashKV({ revision: '0' }, { deadline });
    return { hash: Number(answer.hash), compactRevision: answer.compact_revision, revision: answer.header.revision };
  }

  /** All alarms of the cluster. etcd answers it through consensus, so it needs a quorum. */
  async alarms(): Promise<RaisedAlarm[]> {
    const ask = ({ maintenance }: Connection) =>
      maintenance.alarm({ action: AlarmAction.Get, memberID: 0, alarm: AlarmType.None });
    // The releases that reject every token tell their alarms to anyone who shows none.
    const { alarms } = await ask(this.#connection).catch((error: unknown) => {
      if (!hasReason(error, 'TokenRejected')) throw error;
      const stranger = new Connection({ ...this.#options, login: undefined });
      return ask(stranger).finally(() => stranger.close());
    });
    return alarms.map((raised) => ({ memberId: toHex(raised.memberID), alarm: String(raised.alarm).toUpperCase() }));
  }

  /**
   * Disarms NOSPACE of one member ID. etcd ignores ID 0 in silence, and would disarm CORRUPT as readily, so neither can be
   * expressed here. An alarm that is already gone is success.
   */
  async disarmNoSpace(memberId: string): Promise<void> {
    const request = { action: AlarmAction.Deactivate, memberID: fromHex(memberId), alarm: AlarmType.Nospace };
    await this.#connection.maintenance.alarm(request);
  }

  /**
   * Disarms CORRUPT of one member ID; "0" where etcd could not say which member it was, and raised it for all. Only for those who have compared the data
   * of every voter. An alarm that is already gone is success.
   */
  async disarmCorrupt(memberId: string): Promise<void> {
    const request = { action: AlarmAction.Deactivate, memberID: fromHex(memberId), alarm: AlarmType.Corrupt };
    await this.#connection.maintenance.alarm(request);
  }

  /** Compacts and waits until this member has removed the old revisions from its database, also where it was compacted already, which is success. */
  async compact(revision: string, deadlineMs: number): Promise<'Compacted' | 'AlreadyCompacted'> {
    try {
      await this.#connection.kv.compact({ revision, physical: true }, { deadline: Date.now() + deadlineMs });
      return 'Compacted';
    } catch (error) {
      if (hasReason(error, 'Compacted')) return 'AlreadyCompacted';
      throw error;
    }
  }

  /** The term of its raft, a decimal string. */
  async raftTerm(): Promise<string> {
    return (await this.#connection.maintenance.status()).raftTerm;
  }

  /** How many keys there were at a revision, as this member knows it. @throws PreconditionFailed with the reason `Compacted` */
  async countKeys(revision: string, deadlineMs: number): Promise<number> {
    const request = { ...ALL_KEYS, revision, serializable: true, count_only: true };
    return Number((await this.#connection.kv.range(request, within(deadlineMs))).count);
  }

  /** Reads its keys, over a connection of its own. Close it after use. */
  keyReader(): KeyReader {
    return new KeyReader(this.#options);
  }

  /**
   * Its database: see {@link Connection.snapshot}. Over a connection of its own: what was sent and not taken yet would hold up every other answer.
   * For as long as this takes the member reuses no room in its file, and a defragmentation of it waits.
   */
  snapshot(deadlineMs: number, signal: AbortSignal): AsyncGenerator<SnapshotPiece> {
    return this.#readSnapshot({ windowBytes: SNAPSHOT_WINDOW_BYTES }, deadlineMs, signal);
  }

  /** The same for who begins to read, and keeps it open: little is on its way then. */
  heldSnapshot(deadlineMs: number, signal: AbortSignal): AsyncGenerator<SnapshotPiece> {
    return this.#readSnapshot({ keepAliveMs: KEEP_ALIVE_MS }, deadlineMs, signal);
  }

  async *#readSnapshot(
    options: Pick<ConnectionOptions, 'windowBytes' | 'keepAliveMs'>,
    deadlineMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<SnapshotPiece> {
    const connection = new Connection({ ...this.#options, ...options });
    try {
      yield* connection.snapshot(Date.now() + deadlineMs, signal);
    } finally {
      connection.close();
    }
  }

  /** Whether it still serves reads from its database: not while it defragments, or waits to. */
  async probe(deadlineMs: number): Promise<void> {
    await this.readLocally(PROBE_KEY, deadlineMs);
  }

  /** Sent to the leader: etcd answers when the transferee leads. */
  async moveLeader(transfereeId: string): Promise<void> {
    await this.#connection.maintenance.moveLeader({ targetID: fromHex(transfereeId) });
  }

  /** The member answers nobody until it is done, and goes on when the deadline has passed: see {@link waitUntilAnswering}. */
  async defragment(deadlineMs: number): Promise<void> {
    await this.#connection.maintenance.defragment({ deadline: Date.now() + deadlineMs });
  }

  /**
   * Its status, from a member that also serves a read of its own database. Status alone proves little: 3.4.23 and 3.5.16 answer it
   * for anyone, even if they refuse everything else because of a wrong login or a rejected token.
   */
  async look(deadlineMs?: number): Promise<AnsweringMember> {
    // One after the other, so that a single login serves both.
    await this.readLocally(PROBE_KEY, deadlineMs);
    return this.status(deadlineMs);
  }

  /**
   * Waits until the member serves reads from its database, which it does not while it defragments.
   * @throws EtcdUnavailable when `withinMs` have passed
   */
  async waitUntilAnswering(withinMs: number): Promise<AnsweringMember> {
    const until = Date.now() + withinMs;
    for (;;) {
      try {
        return await this.look(Math.min(PROBE_DEADLINE_MS, until - Date.now()));
      } catch (error) {
        if (!(error instanceof EtcdUnavailable)) throw error;
        if (Date.now() + PROBE_INTERVAL_MS > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS));
      }
    }
  }

  /** A serializable read: from this member's own database, without a quorum. */
  async readLocally(key: string, deadlineMs?: number): Promise<string | undefined> {
    const request = { key: Buffer.from(key), serializable: true };
    const { kvs } = await this.#connection.kv.range(request, within(deadlineMs));
    return kvs[0]?.value.toString();
  }

  /** A linearizable read, which this member serves only as one of a quorum with a leader. */
  async readThroughConsensus(): Promise<void> {
    await this.#connection.kv.range({ key: Buffer.from(PROBE_KEY) });
  }

  /** A value as the cluster agrees on it, and the revision of its last change, "0" where there is none. */
  async readAgreed(key: string): Promise<{ value: string | undefined; revision: string }> {
    const { kvs } = await this.#connection.kv.range({ key: Buffer.from(key) });
    return { value: kvs[0]?.value.toString(), revision: kvs[0]?.mod_revision ?? '0' };
  }

  /** @returns whether it was written: not where the key has changed since `revision` */
  async putUnchanged(key: string, value: string, revision: string): Promise<boolean> {
    const name = Buffer.from(key);
    const { succeeded } = await this.#connection.kv.txn({
      compare: [{ key: name, target: CompareTarget.Mod, result: CompareResult.Equal, mod_revision: revision }],
      success: [{ request_put: { key: name, value: Buffer.from(value) } }],
      failure: [],
    });
    return succeeded;
  }

  /** Deletes a key that has not changed since `revision`. */
  async deleteUnchanged(key: string, revision: string): Promise<void> {
    const name = Buffer.from(key);
    await this.#connection.kv.txn({
      compare: [{ key: name, target: CompareTarget.Mod, result: CompareResult.Equal, mod_revision: revision }],
      success: [{ request_delete_range: { key: name } }],
      failure: [],
    });
  }

  /**
   * Asks whether etcd would take a value of this size, with a write whose condition never holds. Every member weighs it against its quota,
   * and nothing is stored (measured on 3.3.25, 3.4.23, 3.5.16 and 3.5.30).
   * @throws PreconditionFailed, with the reason `NoSpace` where it would not: NOSPACE is raised then; with `TooLarge` where no request may be so large
   */
  async askForRoom(key: string, valueBytes: number): Promise<void> {
    const name = Buffer.from(key);
    await this.#connection.kv.txn({
      compare: [{ key: name, target: CompareTarget.Version, result: CompareResult.Equal, version: '-1' }],
      success: [{ request_put: { key: name, value: Buffer.alloc(valueBytes, 'x') } }],
      failure: [],
    });
  }

  async put(key: string, value: string): Promise<void> {
    await this.#connection.kv.put({ key: Buffer.from(key), value: Buffer.from(value) });
  }

  async delete(key: string): Promise<void> {
    await this.#connection.kv.deleteRange({ key: Buffer.from(key) });
  }

  close(): void {
    this.#connection.close();
  }
}

/** gRPC's deadline; none given leaves the connection's own. */
function within(deadlineMs: number | undefined): { deadline: number } | undefined {
  return deadlineMs === undefined ? undefined : { deadline: Date.now() + deadlineMs };
}
