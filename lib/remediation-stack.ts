import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Cluster, Network } from '../core/contracts/clusters.ts';
import { DETECTOR_FUNCTION } from '../core/contracts/detection.ts';
import { HOST_COMMANDS, type HostCommandName } from '../core/contracts/host-commands.ts';
import { TRANSFERS } from '../core/contracts/recovery.ts';
import { DEPLOYMENT_PARAMETER, type Deployment } from '../core/contracts/remediation.ts';
import type { StepBundles } from './bundles/bundle-steps.ts';
import { CommandDocuments } from './command-documents.ts';
import {
  grantBackupLists,
  grantRegistry,
  grantRunbooks,
  grantRunCommand,
  grantSecrets,
  grantUnnamed,
  LOOK_FOR_HOSTS,
} from './grants.ts';
import { Pages } from './pages.ts';
import { RemediationTable } from './remediation-table.ts';
import { StagingBucket } from './staging-bucket.ts';
import { StepFunction } from './step-function.ts';
import { connectSteps } from './step-network.ts';
import { RemediationApi } from './triggers/api.ts';
import { StartAutomation } from './triggers/automation.ts';
import { AuthTokenReset } from './workflows/auth-token-reset.ts';
import { AuthenticationGuard } from './workflows/authentication-guard.ts';
import { Check } from './workflows/check.ts';
import { LockRelease } from './workflows/lock-release.ts';
import { MemberReplacement } from './workflows/member-replacement.ts';
import { QuorumRecovery } from './workflows/quorum-recovery.ts';
import { Remediation } from './workflows/remediation.ts';
import { SpaceReclaim } from './workflows/space-reclaim.ts';

export interface RemediationStackProps extends StackProps {
  network: Network;
  clusters: Cluster[];
  bundles: StepBundles;
}

/** A step that waits for etcd to work through a large database; one minute below Lambda's own limit. */
const LONG = Duration.minutes(14);
/** A few questions to each of up to seven members, each with a deadline of 5 s. */
const SHORT = Duration.minutes(5);
/** For what disables and enables authentication, and for the detector: one that hangs there is cut off soon, and run again. */
const BRIEF = Duration.minutes(1);
/** gRPC and TLS start in about half the time that 256 MiB take; a quarter of a core is enough for the rest. */
const MEMORY_MIB = 512;

/** The platform, once per VPC: the steps, and the runbooks that chain them. */
export class RemediationStack extends Stack {
  constructor(scope: Construct, id: string, { network, clusters, bundles, ...props }: RemediationStackProps) {
    // A template holds at most a million characters.
    super(scope, id, { ...props, suppressTemplateIndentation: true });
    const stepNetwork = connectSteps(this, network, clusters);
    const bundleOf = (name: string) => {
      const bundle = bundles[name];
      if (!bundle) throw new Error(`There is no bundle "${name}".`);
      return bundle;
    };
    const step = (
      name: string,
      description: string,
      timeout: Duration,
      { functionName, reachesEtcd = true }: { functionName?: string; reachesEtcd?: boolean } = {},
    ) => {
      return new StepFunction(this, name, {
        bundle: bundleOf(name),
        ...(functionName && { functionName }),
        description,
        timeout,
        memoryMiB: MEMORY_MIB,
        ...(reachesEtcd && { network: stepNetwork }),
      });
    };
    const etcdStep = (name: string, description: string, timeout: Duration) => {
      const created = step(name, description, timeout);
      grantSecrets(this, created, clusters);
      return created;
    };

    const loadCluster = step('load-cluster', 'Checks the execution input and loads the cluster', SHORT);
    grantRegistry(this, loadCluster, clusters);

    const diagnoseCluster = etcdStep(
      'diagnose-cluster',
      'Looks at a whole cluster and says which incident it has',
      SHORT,
    );
    grantRegistry(this, diagnoseCluster, clusters);
    grantUnnamed(diagnoseCluster, [LOOK_FOR_HOSTS]);

    const detectIncidents = step('detect-incidents', 'Looks at a cluster each minute, and tells its alarms', BRIEF, {
      functionName: DETECTOR_FUNCTION,
    });
    // Scheduler hands a look over, and Lambda would try one that fails twice more. A minute later the next one is due.
    detectIncidents.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    grantRegistry(this, detectIncidents, clusters);
    grantSecrets(this, detectIncidents, clusters);

    const proveWrites = etcdStep('prove-writes', 'Writes and deletes a key through every voter', SHORT);

    const spaceReclaim = new SpaceReclaim(this, 'SpaceReclaim', {
      loadCluster,
      assessSpace: etcdStep(
        'assess-space',
        'Reads every member and decides whether space can be reclaimed safely',
        SHORT,
      ),
      compactHistory: etcdStep('compact-history', 'Compacts history, physically on every voter', LONG),
      chooseNextMember: etcdStep(
        'choose-next-member',
        'Reads every member and decides the one next thing to do',
        SHORT,
      ),
      moveLeadership: etcdStep('move-leadership', 'Moves leadership to another voter', SHORT),
      defragmentMember: etcdStep('defragment-member', "Defragments one member's database", LONG),
      disarmAlarms: etcdStep('disarm-alarms', 'Disarms NOSPACE where every member that answers is small enough', SHORT),
      proveWrites,
    });

    const runHostCommands = step('run-host-commands', 'Runs one of the documents on the hosts of a phase', SHORT);
    const transfers: readonly HostCommandName[] = TRANSFERS;
    const commands = (Object.keys(HOST_COMMANDS) as HostCommandName[]).filter(
      (command) => command === 'inspect-host' || !transfers.includes(command),
    );
    const { arns } = new CommandDocuments(this, 'CommandDocuments');
    grantRunCommand(
      this,
      runHostCommands,
      clusters,
      commands.map((command) => arns[command]),
    );

    const staging = new StagingBucket(this, 'Staging');
    const stageSnapshot = step('stage-snapshot', 'Begins, completes or discards the upload of a snapshot', SHORT);
    staging.grantStaging(stageSnapshot);
    const transferSnapshots = step('transfer-snapshots', 'Runs a document on hosts, each with a URL of S3', SHORT);
    staging.grantTransfers(transferSnapshots, clusters);
    grantRunCommand(
      this,
      transferSnapshots,
      clusters,
      transfers.map((command) => arns[command]),
    );

    const pages = new Pages(this, 'Pages');
    const enableAuthentication = etcdStep(
      'enable-authentication',
      'Enables authentication where a cure was cut off before it could',
      BRIEF,
    );
    const toggleAuthentication = etcdStep(
      'toggle-authentication',
      'Disables authentication and enables it at once',
      BRIEF,
    );
    grantRunbooks(this, toggleAuthentication);
    const authTokenReset = new AuthTokenReset(
      this,
      'AuthTokenReset',
      {
        loadCluster,
        assessTokens: etcdStep(
          'assess-tokens',
          'Uses fresh tokens at every member and decides which rejects them',
          SHORT,
        ),
        planTokenCure: etcdStep('plan-token-cure', 'Decides what lets a member take tokens again', SHORT),
        chooseNextCure: etcdStep(
          'choose-next-cure',
          'Uses fresh tokens at every member and decides the next cure',
          SHORT,
        ),
        toggleAuthentication,
        enableAuthentication,
        verifyTokens: etcdStep('verify-tokens', 'Proves that every member takes tokens and refuses strangers', SHORT),
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

    const compareHashes = etcdStep('compare-hashes', 'Compares the data of all members at one revision', LONG);
    const memberReplacement = new MemberReplacement(this, 'MemberReplacement', {
      loadCluster,
      assessMembers: etcdStep('assess-members', 'Reads every member and decides which have failed', SHORT),
      planReplacement: etcdStep(
        'plan-replacement',
        'Decides what a replacement takes, and whether each host is ready',
        SHORT,
      ),
      chooseNextChange: etcdStep('choose-next-change', 'Reads every member and decides the one next change', SHORT),
      changeMembership: etcdStep('change-membership', 'Removes, adds or promotes one member', SHORT),
      waitForMember: etcdStep('wait-for-member', 'Waits for a member to be caught up', SHORT),
      runHostCommands,
      compareHashes,
      proveWrites,
      tellChanges: step('tell-changes', 'Says what was changed before an error stopped a replacement', SHORT, {
        reachesEtcd: false,
      }),
    });

    const quorumRecovery = new QuorumRecovery(this, 'QuorumRecovery', {
      loadCluster,
      assessQuorum: etcdStep('assess-quorum', 'Asks every member whether a quorum still agrees on anything', SHORT),
      chooseRescue: step('choose-rescue', 'Decides what may bring a quorum back at the least cost', SHORT),
      waitForQuorum: etcdStep('wait-for-quorum', 'Waits for a leader that a quorum follows', SHORT),
      planRecovery: step('plan-recovery', 'Decides what is restored, and what is lost with it', SHORT),
      verifyRecovery: etcdStep('verify-recovery', 'Reads every member and decides whether the cluster is back', SHORT),
      runHostCommands,
      stageSnapshot,
      transferSnapshots,
      compareHashes,
      proveWrites,
    });

    const table = new RemediationTable(this, 'Remediations');
    const loadRemediation = step('load-remediation', 'Checks what started a remediation and loads the cluster', SHORT);
    grantRegistry(this, loadRemediation, clusters);
    // In no VPC: what it asks is Step Functions alone, to which the subnets may have no way.
    const chooseRunbook = step('choose-runbook', 'Decides which runbook is next, if none is at work', SHORT, {
      reachesEtcd: false,
    });
    grantRunbooks(this, chooseRunbook);
    const { stateMachine: remediation } = new Remediation(this, 'Remediation', {
      steps: {
        loadRemediation,
        diagnoseCluster,
        chooseRunbook,
      },
      table,
      pages,
      runbooks: {
        'space-exceeded': spaceReclaim.stateMachine,
        'auth-token-invalid': authTokenReset.stateMachine,
        'member-failed': memberReplacement.stateMachine,
        'quorum-lost': quorumRecovery.stateMachine,
      },
    });
    new LockRelease(this, 'LockRelease', { table, pages, remediation });

    const surveyCluster = etcdStep('survey-cluster', "Looks at a cluster's secrets, certificates and sizes", SHORT);
    const listBackups = step('list-backups', 'Says which backup of a cluster is the newest', SHORT, {
      reachesEtcd: false,
    });
    grantBackupLists(listBackups, clusters);
    new Check(this, 'Check', {
      loadRemediation,
      diagnoseCluster,
      surveyCluster,
      listBackups,
      transferSnapshots,
      weighCheck: step('weigh-check', 'Says what would keep a remediation from its work', SHORT, {
        reachesEtcd: false,
      }),
    });

    new RemediationApi(this, 'api', {
      bundle: bundleOf('api'),
      stateMachineArn: remediation.stateMachineArn,
      table: table.table,
      diagnoseFunction: diagnoseCluster.function,
    });
    new StartAutomation(this, 'StartAutomation', { stateMachineArn: remediation.stateMachineArn });

    const deployment: Deployment = {
      stateMachineArn: remediation.stateMachineArn,
      tableName: table.table.tableName,
      diagnoseFunction: diagnoseCluster.function.functionArn,
    };
    new StringParameter(this, 'Deployment', {
      parameterName: DEPLOYMENT_PARAMETER,
      description: 'etcd-remediation: where its command line finds what is deployed',
      stringValue: this.toJsonString(deployment),
    });
  }
}
