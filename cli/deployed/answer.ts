import { Remediations } from '../../client/remediations.ts';
import type { Remediation } from '../../core/api/api.ts';
import { type PendingApproval, reasonSchema } from '../../core/api/api.ts';
import { Problem } from '../../core/api/problems.ts';
import { InvalidInput } from '../../core/errors.ts';
import { confirm } from '../confirm.ts';
import { requireOption } from '../options.ts';
import { openOutput } from '../output.ts';
import { printAtSignal } from '../signals.ts';
import { callerIdentity, withDeployment } from './connection.ts';
import { type AnswerFlags, typedNext } from './flags.ts';
import { describeQuestion } from './status.ts';

const DECISIONS = {
  approve: { outcome: 'Approved', ask: 'Let it do this?' },
  reject: { outcome: 'Rejected', ask: 'End it without having done this?' },
} as const;

/** The remediation may be busy re-checking the cluster: retry for so long until it accepts the answer. */
const WITHIN_MS = 300_000;

/** `etcd-remediation approve` and `reject`: shows the question that a remediation waits with, and answers that one. */
export async function answer(decision: 'approve' | 'reject', id: string, flags: AnswerFlags): Promise<void> {
  const { outcome, ask } = DECISIONS[decision];
  const { reason = '' } = flags;
  if (decision === 'reject' || reason !== '') requireOption(reasonSchema, '--reason', reason);
  const output = openOutput(flags.json);
  if (!flags.yes && !process.stdin.isTTY) {
    throw new InvalidInput(
      `This is no terminal, so the question cannot be asked here. Look at it with "${typedNext(flags, 'status', id)}", and answer with --yes.`,
    );
  }
  using _ = printAtSignal(() => `Stopped. Look whether it was answered: ${typedNext(flags, 'status', id)}`);
  await withDeployment(flags, async (deployment) => {
    const remediations = new Remediations(deployment);
    const remediation = await remediations.describe(id);
    const question = requireQuestion(remediation, flags.approval);
    for (const line of describeQuestion(remediation, question, flags)) output.print(line);
    const { incident, runbook } = question;
    const result = { id, cluster: remediation.cluster, approval: question.id, incident, runbook };
    if (!flags.yes && !(await confirm(ask))) {
      output.finish({ outcome: 'NotAnswered', ...result }, ['Nothing was answered: it waits on.']);
      process.exitCode ??= 1;
      return;
    }
    const by = await callerIdentity();
    const onWait = () =>
      output.print(
        'Not accepting answers right now: it is re-checking the cluster or handling another incident. Trying again for up to five minutes.',
      );
    const answer = { approval: question.id, decision, reason };
    await remediations.answer(id, answer, { by, withinMs: WITHIN_MS, onWait });
    output.finish({ outcome, ...result, by, reason }, [
      `${outcome}, by ${by}${reason && `: ${reason}`}`,
      `Follow it: ${typedNext(flags, 'watch', id)}`,
    ]);
  });
}

/** @throws Problem `not-waiting`; `stale-approval` where it asks something else than `wanted` */
function requireQuestion({ id, status, approval }: Remediation, wanted: string | undefined): PendingApproval {
  if (!approval) {
    throw new Problem(
      'not-waiting',
      `The remediation ${id} is ${status} and waits for no approval: there is nothing to answer.`,
      { remediation: id },
    );
  }
  if (wanted === undefined || wanted === approval.id) return approval;
  throw new Problem(
    'stale-approval',
    `The remediation ${id} does not wait with the question "${wanted}" but with "${approval.id}": read that one first.`,
    { remediation: id },
  );
}
