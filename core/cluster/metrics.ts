export const METRIC_NAMESPACE = 'EtcdRemediation';

/** The metrics and their units, as CloudWatch names these. Those of a member have the dimensions cluster and member, the others cluster alone. */
export const METRICS = {
  /** Voters that follow the leader and are caught up. */
  HealthyVoters: 'Count',
  /** Members that a replacement would be for: failed, or not promoted. */
  FailedMembers: 'Count',
  /** Members that refuse us, or that we do not get to: what is wrong with them is not visible. */
  InaccessibleMembers: 'Count',
  /** 1 where a quorum agrees on something or follows a leader; left out if unknown. */
  HasLeader: 'Count',
  /** Alarms of etcd that are NOSPACE. */
  NoSpace: 'Count',
  /** Alarms of etcd that are anything else, CORRUPT first of all. */
  Corrupt: 'Count',
  /** Members that reject tokens which were issued a moment ago. */
  TokensRejected: 'Count',
  /** 1 where the login cannot do what a runbook has to. */
  LoginUnfit: 'Count',
  /** Whole days until the first of its certificates ends; negative where one has. Left out where none could be read. */
  CertificateDaysLeft: 'Count',
  /** Certificates that have ended, or that a person has to be called for: see PAGE_DAYS. */
  CertificatesEnding: 'Count',
  /** 1 where the diagnosis names an incident. */
  IncidentPresent: 'Count',
  /** Of the cluster: that of the fullest member. */
  QuotaUsedPercent: 'Percent',
  /** What a defragmentation could give back of the database. */
  FragmentationPercent: 'Percent',
  /** Log entries behind the leader. */
  RaftLagEntries: 'Count',
  /** 1 where a remediation asks for an approval, and each ten minutes for as long as it does; not of the detector. */
  ApprovalWanted: 'Count',
  /** 1 when a remediation begins and -1 when it ends: what began and has not ended is their sum. Of these and the next four EventBridge tells. */
  RemediationsUnderWay: 'Count',
  /** 1 for each remediation that has ended with a cure. */
  Remediated: 'Count',
  /** 1 for each that has ended otherwise, and was no dry run. */
  RemediationFailed: 'Count',
  /** Of one that has ended with a cure: from its start to its end, with what people took to answer. */
  RemediationSeconds: 'Seconds',
  /** From the first bad minute until its alarm was raised. */
  DetectionSeconds: 'Seconds',
  /** 1 where a backup has become whole; not of the detector. */
  BackupsMade: 'Count',
  /** Of the newest backup that can be restored; left out if there is none, or if it cannot be seen. */
  BackupAgeSeconds: 'Seconds',
  /** Of a rehearsal that has passed: until a private member served from the backup. Not of the detector, as the next one. */
  RehearsalSeconds: 'Seconds',
  /** 1 where a rehearsal has failed, or none has passed for twice as long as the configuration says; 0 where one has passed in time. */
  RestoreUnproven: 'Count',
  DetectorRuns: 'Count',
  /** 1 if the look failed. */
  DetectorErrors: 'Count',
} as const satisfies Record<string, 'Count' | 'Percent' | 'Seconds'>;

export type MetricName = keyof typeof METRICS;

/** Values of one moment. What could not be read is left out: an unknown value is not 0. */
export interface Measurement {
  dimensions: { cluster: string; member?: string };
  values: Partial<Record<MetricName, number>>;
}
