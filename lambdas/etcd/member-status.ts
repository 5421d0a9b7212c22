import type { IStatusResponse } from 'etcd3/lib/rpc.js';
import type { AnsweringMember } from '../../core/cluster/observation.ts';
import { toHex } from './ids.ts';

/** What came with etcd 3.6, and is put into the proto of the client library: ./protocol-source.ts. */
interface StatusSince36 {
  storageVersion: string;
  dbSizeQuota: string;
  downgradeInfo: { enabled: boolean; targetVersion: string } | null;
}

/** @param configuredQuotaBytes counts where the status does not say it */
export function readStatus(
  response: IStatusResponse,
  configuredQuotaBytes: number,
): Omit<AnsweringMember, 'name' | 'endpoint'> {
  const status = response as IStatusResponse & StatusSince36;
  // -1: none at all, as a negative --quota-backend-bytes asks for. 0: an etcd that does not say it.
  const ownQuotaBytes = Number(status.dbSizeQuota);
  return {
    answering: true,
    id: toHex(status.header.member_id),
    clusterId: toHex(status.header.cluster_id),
    leaderId: toHex(status.leader),
    isLearner: status.isLearner,
    version: status.version,
    storageVersion: status.storageVersion,
    downgradeTo: status.downgradeInfo?.enabled ? status.downgradeInfo.targetVersion : '',
    revision: status.header.revision,
    // etcd 3.3 tells only how far its log is agreed on.
    raftAppliedIndex: status.raftAppliedIndex === '0' ? status.raftIndex : status.raftAppliedIndex,
    raftCommittedIndex: status.raftIndex,
    raftTerm: status.raftTerm,
    dbSizeBytes: Number(status.dbSize),
    dbSizeInUseBytes: Number(status.dbSizeInUse),
    quotaBytes: ownQuotaBytes === 0 ? configuredQuotaBytes : ownQuotaBytes < 0 ? null : ownQuotaBytes,
    quotaIsReported: ownQuotaBytes !== 0,
  };
}
