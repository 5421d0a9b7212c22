import * as z from 'zod';
import { foundBackupsSchema } from '../backups/contracts.ts';
import { clusterSchema } from '../cluster/clusters.ts';
import { diagnosisSchema } from '../diagnosis/diagnosis-answer.ts';
import { remediationIdSchema } from '../remediation/remediation.ts';
import {
  acceptedSchema,
  answerRequestSchema,
  clusterPageSchema,
  reasonSchema,
  remediationSchema,
  startRequestSchema,
} from './api.ts';
import { EXAMPLES } from './api-examples.ts';
import { JOBS, jobStatusSchema, startedJobSchema } from './jobs.ts';
import type { ProblemKind } from './problems.ts';

/** One operation of the API. */
export interface Operation {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  request?: { schema: z.ZodType; name: string; examples: Record<string, unknown> };
  response: { status: 200 | 202; description: string; schema: z.ZodType; name: string; example: unknown };
  /** Besides those of every operation. */
  problems: ProblemKind[];
}

interface Parameter {
  name: string;
  in: 'path' | 'header' | 'query';
  schema: z.ZodType;
  description: string;
  example: string;
  required: boolean;
}

const CLUSTER: Parameter = {
  name: 'name',
  in: 'path',
  schema: clusterSchema.shape.name,
  description: "The cluster's name, as in clusters.json",
  example: 'orders',
  required: true,
};
const REMEDIATION: Parameter = {
  name: 'id',
  in: 'path',
  schema: remediationIdSchema,
  description: "The remediation's ID: the name of its execution",
  example: 'INC-1234',
  required: true,
};
export const IDEMPOTENCY_KEY: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  schema: remediationIdSchema,
  description:
    'Becomes the ID of what is started. The same request with the same key starts nothing again, also when that has ended: for 90 days. ' +
    'Without a key every request is a new one.',
  example: 'INC-1234',
  required: false,
};

const JOB: Parameter = {
  name: 'id',
  in: 'path',
  schema: remediationIdSchema,
  description: 'The ID of the start: the name of its execution',
  example: 'INC-1234',
  required: true,
};

/** A summary takes about a kilobyte, and the whole answer some seconds where all of them are at work. */
const CLUSTERS_PER_PAGE = 100;
export const LIMIT = {
  name: 'limit',
  in: 'query',
  schema: z.coerce
    .number()
    .int({ error: 'must be a whole number' })
    .min(1, { error: 'must be at least 1' })
    .max(CLUSTERS_PER_PAGE, { error: `must be at most ${CLUSTERS_PER_PAGE}` })
    .default(CLUSTERS_PER_PAGE),
  description: 'How many clusters the answer has at most',
  example: '50',
  required: false,
} as const satisfies Parameter;
export const AFTER = {
  name: 'after',
  in: 'query',
  schema: clusterSchema.shape.name.optional(),
  description: 'Only clusters whose names come after this one: `next` of the answer before. Without it, from the first',
  example: 'orders',
  required: false,
} as const satisfies Parameter;

/** Every operation may end with these. */
export const COMMON_PROBLEMS: ProblemKind[] = ['forbidden', 'throttled', 'internal-error', 'unavailable'];

/** By `operationId`, of which each handler has one. */
export const OPERATIONS = {
  startRemediation: {
    method: 'POST',
    path: '/clusters/{name}/remediations',
    summary: 'Start a remediation',
    description:
      'Starts the entry workflow for a cluster. It runs on after the answer: follow it at `self`. If the policy of the cluster asks for an approval, it waits for one.',
    parameters: [CLUSTER, IDEMPOTENCY_KEY],
    request: { schema: startRequestSchema, name: 'StartRequest', examples: EXAMPLES.startRequests },
    response: {
      status: 202,
      description: 'It was started, or was before by the same key',
      schema: acceptedSchema,
      name: 'Accepted',
      example: EXAMPLES.accepted,
    },
    problems: ['invalid-request', 'unknown-cluster', 'already-in-progress', 'key-reused', 'too-large'],
  },
  describeRemediation: {
    method: 'GET',
    path: '/remediations/{id}',
    summary: 'Look at a remediation',
    description: 'Where a remediation is, what it waits for, and what it ended with.',
    parameters: [REMEDIATION],
    response: {
      status: 200,
      description: 'The remediation',
      schema: remediationSchema,
      name: 'Remediation',
      example: EXAMPLES.remediation,
    },
    problems: ['unknown-remediation'],
  },
  answerApproval: {
    method: 'POST',
    path: '/remediations/{id}/approval',
    summary: 'Approve of what a remediation is about to do, or reject it',
    description:
      "Answers the question that the remediation waits with. It names the question, so a plan cannot be approved that was not read. Who answers is the caller's identity. " +
      'A remediation that waits re-checks its cluster now and then. Meanwhile it takes no answer: the request then takes up to 25 seconds, and may end with `busy`.',
    parameters: [REMEDIATION],
    request: { schema: answerRequestSchema, name: 'AnswerRequest', examples: EXAMPLES.answerRequests },
    response: {
      status: 202,
      description: 'The remediation goes on, or ends rejected',
      schema: acceptedSchema,
      name: 'Accepted',
      example: EXAMPLES.accepted,
    },
    problems: [
      'invalid-request',
      'unknown-remediation',
      'not-waiting',
      'stale-approval',
      'already-answered',
      'busy',
      'too-large',
    ],
  },
  stopRemediation: {
    method: 'DELETE',
    path: '/remediations/{id}',
    summary: 'Stop a remediation',
    description:
      "Stops a remediation where it is. What was done stays done; the next one goes on from there. The cluster's lock is free within seconds.",
    parameters: [
      REMEDIATION,
      {
        name: 'reason',
        in: 'query',
        schema: reasonSchema,
        description: 'Why. It is recorded, with who it was',
        example: 'the host is being repaired',
        required: true,
      },
    ],
    response: {
      status: 202,
      description: 'It was stopped',
      schema: acceptedSchema,
      name: 'Accepted',
      example: EXAMPLES.accepted,
    },
    problems: ['invalid-request', 'unknown-remediation', 'already-ended'],
  },
  listClusters: {
    method: 'GET',
    path: '/clusters',
    summary: 'List the clusters',
    description:
      'The configured clusters, each with the remediation that runs and the last one. By name, in pages: ask again with `after` until `next` is null.',
    parameters: [AFTER, LIMIT],
    response: {
      status: 200,
      description: 'The clusters, by name',
      schema: clusterPageSchema,
      name: 'Clusters',
      example: EXAMPLES.clusters,
    },
    problems: ['invalid-request'],
  },
  diagnoseCluster: {
    method: 'GET',
    path: '/clusters/{name}/diagnosis',
    summary: 'Diagnose a cluster',
    description:
      'Looks once at every member and host of a cluster, and says which incident it has. Changes nothing, and takes up to 20 seconds.',
    parameters: [CLUSTER],
    response: {
      status: 200,
      description: 'The diagnosis',
      schema: diagnosisSchema,
      name: 'Diagnosis',
      example: EXAMPLES.diagnosis,
    },
    problems: ['unknown-cluster', 'diagnosis-failed'],
  },
  startBackup: {
    method: 'POST',
    path: '/clusters/{name}/backups',
    summary: 'Start a backup',
    description:
      'Starts one backup of a cluster, besides those of its schedule. It runs on after the answer: follow it at `self`. Changes nothing in etcd.',
    parameters: [CLUSTER, IDEMPOTENCY_KEY],
    request: { schema: JOBS.backup.request, name: 'BackupRequest', examples: EXAMPLES.backupRequests },
    response: {
      status: 202,
      description: 'It was started, or was before by the same key',
      schema: startedJobSchema,
      name: 'StartedJob',
      example: EXAMPLES.startedJob,
    },
    problems: ['invalid-request', 'unknown-cluster', 'key-reused', 'too-large'],
  },
  describeBackup: {
    method: 'GET',
    path: '/clusters/{name}/backups/{id}',
    summary: 'Look at a backup that was started',
    description: 'Where it is, and what it ended with. One of the schedule is known by the name of its execution.',
    parameters: [CLUSTER, JOB],
    response: {
      status: 200,
      description: 'The backup',
      schema: jobStatusSchema,
      name: 'JobStatus',
      example: EXAMPLES.jobStatus,
    },
    problems: ['unknown-job'],
  },
  listBackups: {
    method: 'GET',
    path: '/clusters/{name}/backups',
    summary: 'List the backups',
    description:
      'The newest hundred backups of a cluster that can be restored, with what is known of each. If the bucket cannot be read, `problem` says why.',
    parameters: [CLUSTER],
    response: {
      status: 200,
      description: 'The backups, the newest first',
      schema: foundBackupsSchema,
      name: 'Backups',
      example: EXAMPLES.backups,
    },
    problems: ['invalid-request', 'unknown-cluster', 'backups-not-listed'],
  },
  startRehearsal: {
    method: 'POST',
    path: '/clusters/{name}/rehearsals',
    summary: 'Start a rehearsal',
    description:
      'Restores a backup on a host of the cluster, looks into it, and removes it again. It runs on after the answer: follow it at `self`. The members are not touched.',
    parameters: [CLUSTER, IDEMPOTENCY_KEY],
    request: { schema: JOBS.rehearsal.request, name: 'RehearsalRequest', examples: EXAMPLES.rehearsalRequests },
    response: {
      status: 202,
      description: 'It was started, or was before by the same key',
      schema: startedJobSchema,
      name: 'StartedJob',
      example: EXAMPLES.startedJob,
    },
    problems: ['invalid-request', 'unknown-cluster', 'key-reused', 'too-large'],
  },
  describeRehearsal: {
    method: 'GET',
    path: '/clusters/{name}/rehearsals/{id}',
    summary: 'Look at a rehearsal that was started',
    description: 'Where it is, and what it ended with. One of the schedule is known by the name of its execution.',
    parameters: [CLUSTER, JOB],
    response: {
      status: 200,
      description: 'The rehearsal',
      schema: jobStatusSchema,
      name: 'JobStatus',
      example: EXAMPLES.jobStatus,
    },
    problems: ['unknown-job'],
  },
  getOpenApi: {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document',
    description: 'The description of the API that is deployed here, from which clients can be generated.',
    parameters: [],
    response: {
      status: 200,
      description: 'An OpenAPI 3.1 document',
      schema: z.looseObject({ openapi: z.string() }),
      name: 'OpenApi',
      example: EXAMPLES.openApi,
    },
    problems: [],
  },
} as const satisfies Record<string, Operation>;

export type OperationId = keyof typeof OPERATIONS;
