import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Stack } from 'aws-cdk-lib/core';
import { Construct, DependencyGroup } from 'constructs';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import { DEPLOYMENT_PARAMETER, type Deployment } from '../core/text/names.ts';
import type { StepBundles } from './bundles/bundle-steps.ts';
import { CommandDocuments } from './command-documents.ts';
import { encryptWithOwnKey } from './encryption.ts';
import { bundleOf, functionsOfSteps } from './functions.ts';
import { Logs } from './logs.ts';
import { named, setPrefix } from './names.ts';
import { Pages } from './pages.ts';
import { RemediationTable } from './remediation-table.ts';
import { Reports } from './reports.ts';
import { StagingBucket } from './staging-bucket.ts';
import { connectSteps, type Surroundings } from './step-network.ts';
import { AlarmRule } from './triggers/alarm-rule.ts';
import { RemediationApi } from './triggers/api.ts';
import { StartAutomation } from './triggers/automation.ts';
import { DetectorSchedules } from './triggers/detector.ts';
import { FleetDashboard } from './triggers/fleet-dashboard.ts';
import { trustRulesOfThisAccountAlone } from './trust.ts';
import { AuthTokenReset } from './workflows/auth-token-reset.ts';
import { AuthenticationGuard } from './workflows/authentication-guard.ts';
import { Backup } from './workflows/backup.ts';
import { Check } from './workflows/check.ts';
import { LockRelease } from './workflows/lock-release.ts';
import { MemberRepair } from './workflows/member-repair.ts';
import { MemberReplacement } from './workflows/member-replacement.ts';
import { QuorumRecovery } from './workflows/quorum-recovery.ts';
import { Rehearsal } from './workflows/rehearsal.ts';
import { Remediation } from './workflows/remediation.ts';
import { SpaceReclaim } from './workflows/space-reclaim.ts';

export interface PlatformProps {
  surroundings: Surroundings;
  prefix: string | undefined;
  encryption: ClustersFile['encryption'];
  bundles: StepBundles;
}

/** The platform, once per VPC: the steps, and the runbooks that chain them. It is the same whatever clusters there are. */
export class Platform extends Construct {
  /** Of the functions that reach members. */
  readonly securityGroup: ISecurityGroup;
  /** What calls for people. */
  readonly pagesTopic: ITopic;
  /** What has to be there before a cluster's schedule is. */
  readonly invokedBySchedules = new DependencyGroup();

  constructor(scope: Construct, id: string, { surroundings, prefix, encryption, bundles }: PlatformProps) {
    super(scope, id);
    setPrefix(this, prefix);
    new Logs(this);
    const staging = new StagingBucket(this, 'Staging');
    new CommandDocuments(this, 'CommandDocuments');
    const { network, securityGroup } = connectSteps(this, surroundings);
    this.securityGroup = securityGroup;
    const { step, functions } = functionsOfSteps(this, {
      network,
      bundles,
      staging,
    });
    const loadCluster = step('load-cluster');
    const diagnoseCluster = step('diagnose-cluster');
    const enableAuthentication = step('enable-authentication');
    const runHostCommands = step('run-host-commands');
    const transferSnapshots = step('transfer-snapshots');
    const compareHashes = step('compare-hashes');
    const proveWrites = step('prove-writes');
    const moveLeadership = step('move-leadership');
    const replacement = {
      planReplacement: step('plan-replacement'),
      chooseNextChange: step('choose-next-change'),
      changeMembership: step('change-membership'),
      waitForMember: step('wait-for-member'),
      explainChanges: step('explain-changes'),
    };
    const loadRemediation = step('load-remediation');
    const pages = new Pages(this, 'Pages');
    this.pagesTopic = pages.people;
    const reports = new Reports(this, 'Reports');
    const table = new RemediationTable(this, 'Remediations');

    const spaceReclaim = new SpaceReclaim(this, 'SpaceReclaim', {
      loadCluster,
      assessSpace: step('assess-space'),
      runHostCommands,
      weighRoom: step('weigh-room'),
      compactHistory: step('compact-history'),
      chooseNextDefragmentation: step('choose-next-defragmentation'),
      moveLeadership,
      defragmentMember: step('defragment-member'),
      disarmAlarms: step('disarm-alarms'),
      proveWrites,
      countKeys: step('count-keys'),
    });
    const authTokenReset = new AuthTokenReset(
      this,
      'AuthTokenReset',
      {
        loadCluster,
        assessTokens: step('assess-tokens'),
        planTokenReset: step('plan-token-reset'),
        chooseNextTokenAction: step('choose-next-token-action'),
        toggleAuthentication: step('toggle-authentication'),
        enableAuthentication,
        verifyTokens: step('verify-tokens'),
        runHostCommands,
        proveWrites,
      },
      pages,
    );
    new AuthenticationGuard(this, 'AuthenticationGuard', {
      steps: { loadCluster, enableAuthentication },
      pages,
      guarded: authTokenReset.stateMachine,
    });
    const memberReplacement = new MemberReplacement(this, 'MemberReplacement', {
      loadCluster,
      assessMembers: step('assess-members'),
      ...replacement,
      runHostCommands,
      compareHashes,
      proveWrites,
    });
    const memberRepair = new MemberRepair(this, 'MemberRepair', {
      loadCluster,
      assessData: step('assess-data'),
      ...replacement,
      moveLeadership,
      disarmCorruption: step('disarm-corruption'),
      runHostCommands,
      compareHashes,
      proveWrites,
    });
    const quorumRecovery = new QuorumRecovery(this, 'QuorumRecovery', {
      loadCluster,
      assessQuorum: step('assess-quorum'),
      chooseRecovery: step('choose-recovery'),
      waitForQuorum: step('wait-for-quorum'),
      findRecoveryBackup: step('find-recovery-backup'),
      planRecovery: step('plan-recovery'),
      verifyRecovery: step('verify-recovery'),
      runHostCommands,
      stageSnapshot: step('stage-snapshot'),
      transferSnapshots,
      compareHashes,
      proveWrites,
    });
    this.invokedBySchedules.add(new DetectorSchedules(this, 'DetectorSchedules'), functions.detector);
    const { stateMachine: remediation } = new Remediation(this, 'Remediation', {
      steps: { loadRemediation, diagnoseCluster, chooseRunbook: step('choose-runbook') },
      table,
      pages,
      reports,
      runbooks: {
        'data-corrupt': memberRepair.stateMachine,
        'quorum-lost': quorumRecovery.stateMachine,
        'space-exceeded': spaceReclaim.stateMachine,
        'member-failed': memberReplacement.stateMachine,
        'auth-token-invalid': authTokenReset.stateMachine,
      },
    });
    this.invokedBySchedules.add(remediation);
    reports.makeFor(remediation, { bundle: bundleOf('reports', bundles), pages });
    new AlarmRule(this, 'AlarmRule', { stateMachine: remediation, pages });
    new LockRelease(this, 'LockRelease', { table, pages, reports, remediation });
    new Check(this, 'Check', {
      loadRemediation,
      diagnoseCluster,
      surveyCluster: step('survey-cluster'),
      listBackups: step('list-backups'),
      tryBackups: step('try-backups'),
      transferSnapshots,
      weighCheck: step('weigh-check'),
    });

    const { stateMachine: backup } = new Backup(this, 'Backup', {
      loadRemediation,
      backUpCluster: step('back-up-cluster'),
      copyDatabase: step('copy-database'),
      sendBackup: step('send-backup'),
      completeBackup: step('complete-backup'),
      runHostCommands,
      pruneBackups: step('prune-backups'),
    });
    this.invokedBySchedules.add(backup);
    const { stateMachine: rehearsal } = new Rehearsal(this, 'Rehearsal', {
      steps: {
        loadRemediation,
        planRehearsal: step('plan-rehearsal'),
        chooseRehearsalMembers: step('choose-rehearsal-members'),
        transferSnapshots,
        chooseRehearsalHost: step('choose-rehearsal-host'),
        recordRehearsal: step('record-rehearsal'),
      },
      table,
    });
    this.invokedBySchedules.add(rehearsal);

    new RemediationApi(this, 'api', {
      bundle: bundleOf('api', bundles),
      stateMachineArn: remediation.stateMachineArn,
      table: table.table,
      diagnoseFunction: functions.diagnosis.function,
      backupsFunction: functions.backups.function,
      reports: reports.folder,
    });
    new FleetDashboard(this, 'FleetDashboard', { reports: reports.folderAddress });
    new StartAutomation(this, 'StartAutomation', { stateMachineArn: remediation.stateMachineArn });

    const deployment: Deployment = {
      stateMachineArn: remediation.stateMachineArn,
      tableName: table.table.tableName,
      diagnoseFunction: functions.diagnosis.function.functionArn,
      backupsFunction: functions.backups.function.functionArn,
      reports: reports.folder,
    };
    new StringParameter(this, 'Deployment', {
      parameterName: named(this, DEPLOYMENT_PARAMETER),
      description: 'etcd-remediation: where its command line finds what is deployed',
      stringValue: Stack.of(this).toJsonString(deployment),
    });
    trustRulesOfThisAccountAlone(this);
    if (encryption === 'customer-managed') encryptWithOwnKey(this);
  }
}
