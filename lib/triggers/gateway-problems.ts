import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import { PROBLEMS, type ProblemKind, problemType } from '../../core/api/problems.ts';

/** What API Gateway refuses by itself. https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html */
const REFUSALS: Partial<Record<ProblemKind, ResponseType[]>> = {
  forbidden: [
    ResponseType.ACCESS_DENIED,
    ResponseType.EXPIRED_TOKEN,
    ResponseType.INVALID_SIGNATURE,
    ResponseType.MISSING_AUTHENTICATION_TOKEN,
  ],
  throttled: [ResponseType.THROTTLED, ResponseType.QUOTA_EXCEEDED],
  'too-large': [ResponseType.REQUEST_TOO_LARGE],
  // A function that has crashed gives no answer that API Gateway could hand on.
  'internal-error': [ResponseType.API_CONFIGURATION_ERROR, ResponseType.DEFAULT_5XX],
  unavailable: [ResponseType.INTEGRATION_FAILURE, ResponseType.INTEGRATION_TIMEOUT],
};

/** Lets API Gateway tell its own refusals as the problems that the API tells. */
export function answerRefusalsWithProblems(api: RestApi): void {
  for (const [kind, types] of Object.entries(REFUSALS)) {
    const { status, title } = PROBLEMS[kind as ProblemKind];
    const constants = { type: problemType(kind as ProblemKind), title, status, instance: '$context.path' };
    // The message comes with its quotation marks, so it cannot be a part of what is made by JSON.stringify.
    const template = `${JSON.stringify({ ...constants, requestId: '$context.requestId' }).slice(0, -1)},"detail":$context.error.messageString}`;
    for (const type of types) {
      api.addGatewayResponse(type.responseType, {
        type,
        statusCode: String(status),
        responseHeaders: { 'Content-Type': "'application/problem+json'" },
        templates: { 'application/json': template },
      });
    }
  }
}
