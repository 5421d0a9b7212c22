import type { Condition } from '../diagnosis/diagnosis.ts';
import { ERROR_NAMES, PreconditionFailed, UnsafeToProceed, VerificationFailed } from '../errors.ts';
import { type Incident, RUNBOOKS } from '../runbooks.ts';
import { wantedApproval } from './approval.ts';
import { whyNoMaintenance } from './maintenance.ts';
import type { ChooseRunbook, NextRunbook } from './remediation-steps.ts';

/** A full store with failed members and rejected tokens takes three; whatever needs more than four is not getting better. */
const MAX_ROUNDS = 4;
/** An incident that is found again has come back, once; after that it is not cured by doing the same. */
const MAX_ROUNDS_PER_INCIDENT = 2;

/**
 * Which runbook is next, decided again after each from a fresh diagnosis; or how it ends. A start that names an incident is for that one and no other:
 * what else is wrong is reported only. While the incident is still there, its runbook is not done.
 *
 * A runbook that failed may have been stopped by another incident. Then that one is remediated, and the failed runbook runs once more,
 * because only it knows what it has left half done. If the diagnosis finds no other incident, it stays failed.
 * @throws UnsafeToProceed where members may hold different data, and another runbook than the one for that was asked for
 * @throws PreconditionFailed for an incident without a runbook, or one which its runbook does not find
 * @throws VerificationFailed where the incidents do not end
 */
export function chooseRunbook(input: ChooseRunbook): NextRunbook {
  const { diagnosis, request, rounds } = input;
  const present = diagnosis.incident === 'healthy' ? [] : [diagnosis.incident, ...diagnosis.others];
  const obstacle = input.maintenance && rounds.length === 0 ? whyNoMaintenance(input) : undefined;
  if (obstacle !== undefined) {
    return { action: 'Finish', outcome: 'NothingToDo', summary: `Skipped. ${obstacle}`, remaining: present };
  }
  if (present.includes('data-corrupt') && request.incident !== undefined && request.incident !== 'data-corrupt') {
    throw new UnsafeToProceed(
      `${diagnosis.summary} No other runbook goes on meanwhile: start a remediation of data-corrupt, or one that names no incident.`,
    );
  }
  // A member that cannot be judged does not hold up a cure, unless the runbook says so.
  const [first] = present.filter((condition) => !condition.endsWith('-inaccessible')) as Incident[];
  const last = rounds.at(-1);
  if (last && hasFailed(last) && (first === undefined || first === last.incident)) {
    return {
      action: 'Stop',
      incident: last.incident,
      runbook: last.runbook,
      summary: `${last.runbook} has failed, and no other incident explains it.`,
    };
  }
  if (present.includes('quorum-inaccessible')) throw forAPerson(diagnosis);
  if (request.incident === undefined) {
    if (first !== undefined) return runRunbook(first, input, diagnosis.summary);
    if (present.length > 0 && rounds.length === 0) {
      throw forAPerson(diagnosis);
    }
    const unfinished = findUnfinished(rounds);
    if (unfinished) {
      return runRunbook(
        unfinished.incident,
        input,
        `Its runbook failed before (${unfinished.outcome}). ${diagnosis.summary}`,
      );
    }
    const { question, healthyLooks } = input;
    // A member that comes and goes is there now and then: the question is taken back once it is found well twice.
    return question && healthyLooks === 0
      ? runRunbook(question.incident, input, `A moment ago it was well. ${diagnosis.summary}`)
      : finish(input, present);
  }
  const isPresent = present.includes(request.incident);
  // Where one member was named, it may be another that has failed.
  const isLeft = isPresent && !request.member;
  return rounds.length === 0 || isLeft
    ? runRunbook(request.incident, input, isPresent ? diagnosis.summary : notPresent(input))
    : finish(input, present);
}

function forAPerson({ summary }: ChooseRunbook['diagnosis']): PreconditionFailed {
  return new PreconditionFailed(
    `${summary} No runbook cures this, and nothing was changed. docs/runbooks.md#alarm-member-inaccessible says what to look at.`,
  );
}

function notPresent({ request, diagnosis }: ChooseRunbook): string {
  return `${request.incident} was asked for; the diagnosis says ${diagnosis.incident}: ${diagnosis.summary}`;
}

function runRunbook(incident: Incident, input: ChooseRunbook, summary: string): NextRunbook {
  const { cluster, request, rounds, runbooks } = input;
  const found = runbooks[incident];
  if (!found) {
    throw new PreconditionFailed(
      `${cluster.name} has the incident ${incident}, and this deployment has no runbook for it. It has those for ` +
        `${Object.keys(runbooks).join(', ')}. ${summary}`,
    );
  }
  requireProgress(incident, rounds, summary);
  const { entries, acts } = wantedApproval(cluster.policy, incident, request.parameters, found.policy);
  const what = {
    incident,
    runbook: found.runbook,
    problem: acts === '' ? summary : `${summary} Asked for: ${acts}.`,
    summary: `Next: ${found.runbook}.`,
  };
  if (request.dryRun || entries.length === 0) return { action: 'Run', ...what, input: { ...request, incident } };
  const { approved, question } = input;
  if (approved?.incident === incident) {
    const parameters = { ...(request.parameters ?? {}), ...RUNBOOKS[incident].heldTo(approved.plan) };
    return { action: 'Run', ...what, input: { ...request, incident, parameters } };
  }
  const planned = { ...what, input: { ...request, incident, dryRun: true } };
  if (question?.incident !== incident) return { action: 'Run', ...planned };
  return { action: 'Ask', ...planned, summary: `${found.runbook} waits for an approval.` };
}

type Round = ChooseRunbook['rounds'][number];

function hasFailed({ outcome }: Round): boolean {
  return outcome in ERROR_NAMES;
}

/** A runbook that failed and has not run since. */
function findUnfinished(rounds: readonly Round[]): Round | undefined {
  return rounds.find(
    (round, at) => hasFailed(round) && !rounds.slice(at + 1).some(({ incident }) => incident === round.incident),
  );
}

function requireProgress(incident: Incident, rounds: readonly Round[], summary: string): void {
  const before = rounds.filter((round) => round.incident === incident);
  if (before.some(({ outcome }) => outcome === 'NothingToDo')) {
    throw new PreconditionFailed(
      `The diagnosis finds ${incident}, and its runbook finds nothing to do. ${summary}\nEither it comes and goes, or the cluster is seen in ` +
        'two ways at once: look at the network between here and the members.',
    );
  }
  if (rounds.length < MAX_ROUNDS && before.length < MAX_ROUNDS_PER_INCIDENT) return;
  throw new VerificationFailed(
    `After ${rounds.map((round) => `${round.incident} (${round.outcome})`).join(', ')} the cluster still has ${incident}. ${summary}\n` +
      'Something causes it again and again. Find that first, then start again.',
  );
}

function finish({ diagnosis, rounds, request }: ChooseRunbook, remaining: Condition[]): NextRunbook {
  const outcome = rounds.some((round) => round.outcome === 'Remediated') ? 'Remediated' : 'NothingToDo';
  const wanted = request.member ? `${request.incident} of ${request.member}` : request.incident;
  const others = remaining.length === 0 ? '' : ` Only ${wanted} was asked for: ${remaining.join(', ')} is left.`;
  return { action: 'Finish', outcome, summary: `${diagnosis.summary}${others}`, remaining };
}
