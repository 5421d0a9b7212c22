import { ArnFormat, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { Peer, Port, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { type Cluster, hostsOf, type Network, registryParameterName } from '../core/contracts/clusters.ts';
import { HOST_COMMANDS, type HostCommandName } from '../core/contracts/host-commands.ts';
import { TRANSFERS } from '../core/contracts/recovery.ts';
import { instanceArn, secretArns } from './arns.ts';
import type { StepBundles } from './bundles/bundle-steps.ts';
import { CommandDocuments } from './command-documents.ts';
import { Pages } from './pages.ts';
import { StagingBucket } from './staging-bucket.ts';
import { StepFunction, type StepNetwork } from './step-function.ts';
import { AuthTokenReset } from './workflows/auth-token-reset.ts';
import { AuthenticationGuard } from './workflows/authentication-guard.ts';
import { MemberReplacement } from './workflows/member-replacement.ts';
import { QuorumRecovery } from './workflows/quorum-recovery.ts';
import { RUNBOOKS } from './workflows/registry.ts';
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
/** For what disables and enables authentication: a step that hangs there is cut off soon, and run again. */
const BRIEF = Duration.minutes(1);
/** gRPC and TLS start in about half the time that 256 MiB take; a quarter of a core is enough for the rest. */
const MEMORY_MIB = 512;
/** These of Run Command's actions know no resource that could be named. */
const LOOK_FOR_HOSTS = 'ssm:DescribeInstanceInformation';
const FOLLOW_COMMANDS = ['ssm:GetCommandInvocation', 'ssm:ListCommandInvocations', 'ssm:CancelCommand'];

/** The platform, once per VPC: the steps, and the runbooks that chain them. */
export class RemediationStack extends Stack {
  constructor(scope: Construct, id: string, { network, clusters, bundles, ...props }: RemediationStackProps) {
    super(scope, id, props);
    const stepNetwork = this.connectTo(network, clusters);
    const step = (name: string, description: string, timeout: Duration) => {
      const bundle = bundles[name];
      if (!bundle) throw new Error(`There is no bundle of a step "${name}".`);
      return new StepFunction(this, name, {
        bundle,
        description,
        timeout,
        memoryMiB: MEMORY_MIB,
        network: stepNetwork,
      });
    };
    const etcdStep = (name: string, description: string, timeout: Duration) => {
      const created = step(name, description, timeout);
      this.grantSecrets(created, clusters);
      return created;
    };

    const loadCluster = step('load-cluster', 'Checks the execution input and loads the cluster', SHORT);
    this.grantRegistry(loadCluster, clusters);

    // A part of no runbook: it says which one is next.
    const diagnoseCluster = etcdStep(
      'diagnose-cluster',
      'Looks at a whole cluster and says which incident it has',
      SHORT,
    );
    this.grantUnnamed(diagnoseCluster, [LOOK_FOR_HOSTS]);

    const proveWrites = etcdStep('prove-writes', 'Writes and deletes a key through every voter', SHORT);

    new SpaceReclaim(this, 'SpaceReclaim', {
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

    const runHostCommand = step('run-host-command', 'Runs one of the documents on one host', SHORT);
    const transfers: readonly HostCommandName[] = TRANSFERS;
    const commands = (Object.keys(HOST_COMMANDS) as HostCommandName[]).filter(
      (command) => !transfers.includes(command),
    );
    const { arns } = new CommandDocuments(this, 'CommandDocuments');
    this.grantRunCommand(
      runHostCommand,
      clusters,
      commands.map((command) => arns[command]),
    );

    const staging = new StagingBucket(this, 'Staging');
    const stageSnapshot = step('stage-snapshot', 'Begins, completes or discards the upload of a snapshot', SHORT);
    staging.grantStaging(stageSnapshot);
    const transferSnapshot = step('transfer-snapshot', 'Runs a document on one host with a URL of S3', SHORT);
    staging.grantTransfers(transferSnapshot, clusters);
    this.grantRunCommand(
      transferSnapshot,
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
    this.grantRunbooks(toggleAuthentication);
    const { stateMachine: authTokenReset } = new AuthTokenReset(
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
        runHostCommand,
        proveWrites,
      },
      pages,
    );
    new AuthenticationGuard(this, 'AuthenticationGuard', {
      steps: { loadCluster, enableAuthentication },
      pages,
      guarded: authTokenReset,
    });

    const compareHashes = etcdStep('compare-hashes', 'Compares the data of all members at one revision', LONG);
    new MemberReplacement(this, 'MemberReplacement', {
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
      runHostCommand,
      compareHashes,
      proveWrites,
    });

    new QuorumRecovery(this, 'QuorumRecovery', {
      loadCluster,
      assessQuorum: etcdStep('assess-quorum', 'Asks every member whether a quorum still agrees on anything', SHORT),
      chooseRescue: step('choose-rescue', 'Decides what may bring a quorum back at the least cost', SHORT),
      waitForQuorum: etcdStep('wait-for-quorum', 'Waits for a leader that a quorum follows', SHORT),
      planRecovery: step('plan-recovery', 'Decides what is restored, and what is lost with it', SHORT),
      verifyRecovery: etcdStep('verify-recovery', 'Reads every member and decides whether the cluster is back', SHORT),
      runHostCommand,
      stageSnapshot,
      transferSnapshot,
      compareHashes,
      proveWrites,
    });
  }

  /** Out to the clusters' client ports and to the AWS APIs, and nothing in. */
  private connectTo({ vpcId, subnetIds, securityGroupIds }: Network, clusters: Cluster[]): StepNetwork {
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      // Only the subnets' IDs reach the template; CDK wants a zone for each.
      availabilityZones: subnetIds.map((_, index) => `zone-${index}`),
      privateSubnetIds: subnetIds,
    });
    Validations.of(vpc).acknowledge({
      id: 'Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId',
      reason: 'Nothing here routes: functions are only placed into the subnets.',
    });
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'etcd-remediation steps: out to etcd and to the AWS APIs',
      allowAllOutbound: false,
    });
    const clientPorts = clusters
      .flatMap((cluster) => cluster.members.map((member) => new URL(member.clientUrl)))
      .map((url) => Number(url.port || (url.protocol === 'https:' ? 443 : 80)));
    for (const port of new Set([443, ...clientPorts])) {
      const purpose = port === 443 ? 'AWS APIs' : `etcd clients' port ${port}`;
      for (const peer of [Peer.anyIpv4(), Peer.anyIpv6()]) securityGroup.addEgressRule(peer, Port.tcp(port), purpose);
    }
    return {
      vpc,
      subnets: vpc.privateSubnets,
      securityGroups: [
        securityGroup,
        ...securityGroupIds.map((groupId, index) => SecurityGroup.fromSecurityGroupId(this, `Extra${index}`, groupId)),
      ],
    };
  }

  private grantRegistry(step: StepFunction, clusters: Cluster[]): void {
    step.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['ssm:GetParameter'],
        resources: clusters.map((cluster) =>
          this.formatArn({
            service: 'ssm',
            resource: 'parameter',
            resourceName: registryParameterName(cluster.name).slice(1),
            arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
          }),
        ),
      }),
    );
  }

  /** To see which executions of the runbooks run. By name, for their state machines need the step first. */
  private grantRunbooks({ function: step }: StepFunction): void {
    const names = Object.values(RUNBOOKS).map(({ stateMachineName }) => stateMachineName);
    const arnOf = (resource: string, resourceName: string) =>
      this.formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    const stateMachines = names.map((name) => arnOf('stateMachine', name));
    step.addEnvironment('RUNBOOKS', stateMachines.join(','));
    step.addToRolePolicy(new PolicyStatement({ actions: ['states:ListExecutions'], resources: stateMachines }));
    const executions = names.map((name) => arnOf('execution', `${name}:*`));
    step.addToRolePolicy(new PolicyStatement({ actions: ['states:DescribeExecution'], resources: executions }));
    for (const name of names) {
      Validations.of(step.role as IRole).acknowledge({
        id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${name}:*]`,
        reason: 'Which execution it is, is found out only then: any of this one state machine.',
      });
    }
  }

  /** Some of our documents, on the hosts of the configuration. */
  private grantRunCommand(step: StepFunction, clusters: Cluster[], documents: string[]): void {
    const hosts = clusters.flatMap(hostsOf);
    if (hosts.length > 0) {
      step.function.addToRolePolicy(
        new PolicyStatement({
          actions: ['ssm:SendCommand'],
          resources: [...documents, ...[...new Set(hosts)].map((host) => instanceArn(this, host))],
        }),
      );
    }
    this.grantUnnamed(step, [...FOLLOW_COMMANDS, LOOK_FOR_HOSTS]);
  }

  private grantUnnamed(step: StepFunction, actions: string[]): void {
    step.function.addToRolePolicy(new PolicyStatement({ actions, resources: ['*'] }));
  }

  private grantSecrets(step: StepFunction, clusters: Cluster[]): void {
    const references = clusters
      .flatMap(({ auth, tls }) => [auth?.secret, tls?.secret])
      .filter((secret) => secret !== undefined);
    if (references.length === 0) return;
    step.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        resources: [...new Set(references)].flatMap((reference) => secretArns(this, reference)),
      }),
    );
  }
}
