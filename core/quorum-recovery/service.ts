import type { HostInspection } from '../hosts/host-command-results.ts';

/** What is known of one voter's service and its data. */
export interface Service {
  member: string;
  host: string;
  /** Whether clients were answered when the quorum was assessed. */
  answers: boolean;
  /** Whether it has a process. Where its host says nothing, an answer to clients is proof enough. */
  runs: boolean;
  /** Whether it could be one of a quorum: it runs, or can be started, and has data. */
  isReady: boolean;
  /** Why its data is not what it has acknowledged; empty where nothing shows that. */
  forgotten: string;
  /** Of which cluster its data is, in hex; empty if unknown. */
  clusterId: string;
  /** Why it could not; empty where it is ready. */
  problem: string;
  /** Why its host cannot be looked at: it is not reached, or the look came to no end; empty where it was looked at. */
  unseen: string;
  /** Null where its host cannot be looked at. */
  inspection: HostInspection | null;
}
