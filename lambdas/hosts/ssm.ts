import type { SSMClient } from '@aws-sdk/client-ssm';
import { RemediationError } from '../../core/errors.ts';
import { AWS_CLIENT } from '../aws.ts';
import { withoutSignatures } from './redaction.ts';
import { refusalOf } from './refusals.ts';

/** One question to SSM, or one thing that is asked of it. */
export type Asking<Answer> = (connection: {
  client: SSMClient;
  sdk: typeof import('@aws-sdk/client-ssm');
}) => Promise<Answer>;

/** Connections to SSM, for as long as one invocation. What SSM refuses is an error of the taxonomy: see ./refusals.ts. */
export interface Ssm {
  /** @param subject what is asked for, for the message */
  ask<Answer>(subject: string, asking: Asking<Answer>): Promise<Answer>;
  /** The same without the SDK's own repetitions: it would send a command again that was not answered. */
  askOnce<Answer>(subject: string, asking: Asking<Answer>): Promise<Answer>;
  close(): void;
}

export async function openSsm(): Promise<Ssm> {
  const sdk = await import('@aws-sdk/client-ssm');
  const patient = new sdk.SSMClient(AWS_CLIENT);
  const once = new sdk.SSMClient({ ...AWS_CLIENT, maxAttempts: 1 });
  const through =
    (client: SSMClient): Ssm['ask'] =>
    async (subject, asking) => {
      try {
        return await asking({ client, sdk });
      } catch (error) {
        if (error instanceof RemediationError) throw error;
        const refusal = refusalOf(error, subject);
        refusal.message = withoutSignatures(refusal.message);
        throw refusal;
      }
    };
  return {
    ask: through(patient),
    askOnce: through(once),
    close: () => {
      patient.destroy();
      once.destroy();
    },
  };
}
