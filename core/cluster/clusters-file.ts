import * as z from 'zod';
import { mustBe } from '../text/parse.ts';
import { clusterSchema, EVEN_WHEN_FIELDS_ARE_WRONG, repeated } from './clusters.ts';

/** clusters.json as a whole: which etcd clusters there are, and where the platform runs. No step needs more of it than its cluster. */

/** Of the field by which an editor finds the JSON schema of a file. */
export const DOLLAR_SCHEMA = 'Where the JSON schema of this file is, for editors. It is not read.';

export const networkSchema = z.strictObject({
  vpcId: z.string().startsWith('vpc-', { error: 'must start with "vpc-"' }).meta({ description: 'The VPC.' }),
  subnetIds: z
    .array(z.string().startsWith('subnet-', { error: 'must start with "subnet-"' }))
    .min(1, { error: 'must list at least one subnet' })
    .meta({ description: 'Its subnets in which the functions run: at most 16, with a way to the APIs of AWS.' }),
  securityGroupIds: z
    .array(z.string().startsWith('sg-', { error: 'must start with "sg-"' }))
    .meta({ description: 'Security groups of the functions besides their own: at most four, [] for none.' }),
  clientPorts: z
    .array(z.int().min(1).max(65_535), { error: 'must list ports, such as [2379]' })
    .min(1)
    .default([2379])
    .meta({
      description:
        "The ports of all members' client URLs. The functions get out to these, and to 443 for the APIs of AWS.",
    }),
});

function quota(of: string) {
  return z
    .int()
    .positive({ error: 'must be the quota that AWS has granted, a number' })
    .meta({ description: `How many ${of} the account may have in the region.` });
}

export function listOfClusters<Schema extends z.ZodType>(each: Schema) {
  return z.array(each).min(1, { error: 'must list at least one cluster' }).meta({ description: 'The etcd clusters.' });
}

export const clustersFileSchema = z
  .strictObject(
    {
      $schema: z.string().optional().meta({ description: DOLLAR_SCHEMA }),
      prefix: z
        .string()
        .regex(/^(?!aws|amazon|amzn|ssm)[a-z][a-z0-9-]{0,14}[a-z0-9]$/, {
          error:
            'must be 2 to 16 small letters, digits or "-", start with a letter, not end with "-", and not start with what AWS keeps for itself ("aws", "amazon", "ssm")',
        })
        .optional()
        .meta({
          description:
            'The beginning of all names in AWS, so that a second platform fits beside the first in one account and region. Left out, names begin ' +
            'with "etcd-remediation".',
        }),
      network: networkSchema
        .optional()
        .meta({ description: 'Where the functions run. Needed to deploy to AWS, and for nothing else.' }),
      encryption: z
        .enum(['aws-owned', 'customer-managed'], { error: 'must be "aws-owned" or "customer-managed"' })
        .optional()
        .meta({
          description:
            "Whose key encrypts the topics, the buckets, the table and the logs: AWS's own, which is the default, or one of KMS that the " +
            "platform's stack makes.",
        }),
      quotas: z
        .strictObject({
          alarms: quota('alarms of CloudWatch'),
          roles: quota('roles of IAM'),
          rules: quota('rules of EventBridge'),
          stacks: quota('stacks of CloudFormation'),
        })
        .partial()
        .optional()
        .meta({
          description:
            'What AWS has granted the account beyond its defaults. Synthesis refuses a fleet that passes these.',
        }),
      clusters: listOfClusters(clusterSchema),
    },
    mustBe(
      'an object with a list of clusters',
      '{"clusters": [{"name": "orders", "quotaBackendBytes": 2147483648, "members": [',
      '  {"name": "m1", "clientUrl": "https://10.0.1.11:2379", "peerUrl": "https://10.0.1.11:2380"}]}]}',
    ),
  )
  .superRefine((file, context) => {
    for (const [index, value] of repeated(file.clusters, 'name')) {
      context.addIssue({
        code: 'custom',
        path: ['clusters', index, 'name'],
        message: `"${value}" is already used by another cluster`,
      });
    }
  }, EVEN_WHEN_FIELDS_ARE_WRONG);
export type ClustersFile = z.output<typeof clustersFileSchema>;
/** Where the Lambda functions live. Needed to deploy, not to run embedded. */
export type Network = z.output<typeof networkSchema>;
