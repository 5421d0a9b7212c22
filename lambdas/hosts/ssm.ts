import type { SSMClient } from '@aws-sdk/client-ssm';
import { AWS_CLIENT } from '../../client/aws.ts';
import type { ClusterAccess } from '../../core/cluster/cluster-role.ts';
import { RemediationError } from '../../core/errors.ts';
import { withoutSignatures } from '../../core/text/redaction.ts';
import { sessionOf } from '../cluster-session.ts';
import { refusalOf } from './refusals.ts';

/** One question to SSM, or one thing that is asked of it. */
export type SsmCall<Answer> = (connection: {
  client: SSMClient;
  sdk: typeof import('@aws-sdk/client-ssm');
}) => Promise<Answer>;

/** Connections to SSM, for as long as one invocation. What SSM refuses is an error of the taxonomy: see ./refusals.ts. */
export interface Ssm {
  /** @param subject what is asked for, for the message */
  ask<Answer>(subject: string, call: SsmCall<Answer>): Promise<Answer>;
  /** The same without the SDK's own repetitions: it would send a command again that was not answered. */
  askOnce<Answer>(subject: string, call: SsmCall<Answer>): Promise<Answer>;
  /** The same as the cluster's role, which lets nobody send a command to a host of another cluster. */
  send<Answer>(subject: string, call: SsmCall<Answer>): Promise<Answer>;
  close(): void;
}

/** Whose hosts commands are sent to, and what for. */
export interface Sender {
  cluster: string;
  access: Extract<ClusterAccess, 'commands' | 'transfers' | 'backing-up'>;
}

/** @param sender not where nothing is sent */
export async function openSsm(sender?: Sender): Promise<Ssm> {
  const sdk = await import('@aws-sdk/client-ssm');
  const patient = new sdk.SSMClient(AWS_CLIENT);
  const once = new sdk.SSMClient({ ...AWS_CLIENT, maxAttempts: 1 });
  const through =
    (client: SSMClient): Ssm['ask'] =>
    async (subject, call) => {
      try {
        return await call({ client, sdk });
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
    send: async (subject, call) => {
      if (!sender) throw new Error('Commands are sent for a cluster.');
      const credentials = await sessionOf(sender.cluster, sender.access);
      const client = new sdk.SSMClient({ ...AWS_CLIENT, maxAttempts: 1, ...(credentials && { credentials }) });
      return through(client)(subject, call).finally(() => client.destroy());
    },
    close: () => {
      patient.destroy();
      once.destroy();
    },
  };
}
