/** What may be used in an app of the CDK: everything else of this package may change with each version. */
export { type ClusterConfiguration, RemediatedCluster, type RemediatedClusterProps } from './remediated-cluster.ts';
export { type PlatformReference, RemediationPlatform, type RemediationPlatformProps } from './remediation-platform.ts';
