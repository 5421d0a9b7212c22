import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { Clusters } from '../../client/clusters.ts';
import { Jobs } from '../../client/jobs.ts';
import { Remediations } from '../../client/remediations.ts';
import { type Accepted, answerRequestSchema, reasonSchema } from '../../core/api/api.ts';
import type { Job } from '../../core/api/jobs.ts';
import { openApiDocument } from '../../core/api/openapi.ts';
import { AFTER, LIMIT, OPERATIONS, type OperationId } from '../../core/api/operations.ts';
import { PROBLEMS, Problem, problemType } from '../../core/api/problems.ts';
import { type Methods, routeOf } from '../../core/api/routes.ts';
import { InvalidInput, PreconditionFailed } from '../../core/errors.ts';
import { deploymentSchema } from '../../core/text/names.ts';
import { parse } from '../../core/text/parse.ts';
import { ApiRequest, pathOf } from './request.ts';

const { STATE_MACHINE_ARN, TABLE_NAME, DIAGNOSE_FUNCTION, BACKUPS_FUNCTION, REPORTS } = process.env;
const deployment = deploymentSchema.parse({
  stateMachineArn: STATE_MACHINE_ARN,
  tableName: TABLE_NAME,
  diagnoseFunction: DIAGNOSE_FUNCTION,
  backupsFunction: BACKUPS_FUNCTION,
  reports: REPORTS,
});
const remediations = new Remediations(deployment);
const clusters = new Clusters(deployment);
const jobs = new Jobs(deployment);

/** Each operation, by its ID in the API's document. */
const HANDLERS: Record<OperationId, (request: ApiRequest) => Promise<object>> = {
  startRemediation: async (request) => {
    const id = request.idempotencyKey();
    const { by } = request;
    return linked(request, await remediations.start(request.path('name'), request.body(), { by, ...(id && { id }) }));
  },
  describeRemediation: (request) => remediations.describe(request.path('id')),
  answerApproval: async (request) => {
    const answer = parse(answerRequestSchema, request.body(), 'The body');
    return linked(request, await remediations.answer(request.path('id'), answer, request));
  },
  stopRemediation: async (request) => {
    const reason = request.query('reason', reasonSchema);
    return linked(request, await remediations.stop(request.path('id'), { by: request.by, reason }));
  },
  listClusters: (request) =>
    clusters.page({ after: request.query('after', AFTER.schema), limit: request.query('limit', LIMIT.schema) }),
  diagnoseCluster: (request) => clusters.diagnose(request.path('name')),
  startBackup: (request) => startJob('backup', request),
  describeBackup: (request) => jobs.describe('backup', request.path('name'), request.path('id')),
  listBackups: (request) => clusters.backups(request.path('name')),
  startRehearsal: (request) => startJob('rehearsal', request),
  describeRehearsal: (request) => jobs.describe('rehearsal', request.path('name'), request.path('id')),
  getOpenApi: async () => openApiDocument(),
};

/** The whole API, behind API Gateway. Every answer is JSON, and every refusal a problem (RFC 9457) of `core/api/problems.ts`. */
export async function handler(event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> {
  const { httpMethod, path } = event;
  try {
    const route = routeOf(pathOf(event));
    if (!route) throw new Problem('unknown-route', `There is nothing at ${path}. /openapi.json says what there is.`);
    const { methods, parameters } = route;
    const operation = Object.hasOwn(methods, httpMethod) ? methods[httpMethod] : undefined;
    if (!operation) return notAllowed(event, methods);
    const answer = await HANDLERS[operation](new ApiRequest(event, parameters));
    return respond(OPERATIONS[operation].response.status, answer);
  } catch (error) {
    return refuse(event, toProblem(error));
  }
}

async function startJob(job: Job, request: ApiRequest) {
  const started = await jobs.start(job, request.path('name'), request.body(), request.idempotencyKey());
  return { ...started, links: { self: request.linkToPart(started.id) } };
}

function linked(request: ApiRequest, accepted: Accepted) {
  const self = request.linkTo(`/remediations/${accepted.id}`);
  return { ...accepted, links: { self, approval: `${self}/approval` } };
}

function notAllowed(event: APIGatewayProxyEvent, methods: Methods): APIGatewayProxyResult {
  const allowed = Object.keys(methods);
  const detail = `${event.path} takes ${allowed.join(' and ')}, and not ${event.httpMethod}.`;
  const refusal = refuse(event, new Problem('method-not-allowed', detail));
  return { ...refusal, headers: { ...refusal.headers, Allow: allowed.join(', ') } };
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InvalidInput || error instanceof PreconditionFailed)
    return new Problem('invalid-request', error.message);
  const detail =
    'A caller can do nothing about it. What it is, is in the log of the function, with the ID of this request.';
  return new Problem('internal-error', detail, { cause: error });
}

function refuse({ requestContext }: APIGatewayProxyEvent, { name, message, remediation, cause }: Problem) {
  const { status, title } = PROBLEMS[name];
  const { path: instance, requestId } = requestContext;
  if (cause !== undefined) console.error(requestId, cause);
  const problem = { type: problemType(name), title, status, detail: message, instance, requestId, remediation };
  return respond(status, problem, 'application/problem+json');
}

function respond(statusCode: number, body: object, contentType = 'application/json'): APIGatewayProxyResult {
  return {
    statusCode,
    headers: { 'Content-Type': contentType, 'Cache-Control': 'no-store' },
    body: JSON.stringify(body),
  };
}
