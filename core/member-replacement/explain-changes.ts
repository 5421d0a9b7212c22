import { layoutOf } from '../cluster/clusters.ts';
import { votersOf } from '../cluster/configured-quorum.ts';
import type { ExplainChanges, ExplainedError } from './contracts.ts';

type Change = ExplainChanges['changes'][number];

/**
 * An error whose cause says what was changed before it, and how the cluster stands now: for whoever reads it has to know whether it can wait.
 * Nothing is added where nothing was changed.
 */
export function explainChanges({ error, cause, ...request }: ExplainChanges): ExplainedError {
  if (request.changes.length === 0) return { error, cause, summary: 'Nothing was changed before.' };
  const changes = request.changes.map((change) => describeChange(change, request)).filter((text) => text !== '');
  const end = /[.!?]$/.test(cause.trim()) ? '' : '.';
  const { standing, isMissing } = standingAfter(request);
  const whatToDo = isMissing
    ? 'Correct what is said above, and start again soon: the next execution goes on from here.'
    : 'Start again: the next execution goes on from here.';
  const before = changes.join('; ');
  return {
    error,
    cause: `${cause.trim()}${end}\nBefore this: ${before}.\nNow ${standing} ${whatToDo}`,
    summary: `Before ${error}: ${before}. Now ${standing}`,
  };
}

function describeChange(
  { action, member, transferee, host = '', id = '', result }: Change,
  { cluster, targets }: Request,
): string {
  const target = targets.find((each) => each.member === member);
  const unit = target?.start.unit ?? '';
  switch (action) {
    case 'MoveLeadership':
      return `leadership was moved from ${member} to ${transferee}`;
    case 'DisarmAlarm':
      return `CORRUPT of ${member} was disarmed`;
    case 'StopService':
      return `the service ${unit} on ${host} was stopped`;
    case 'RemoveMember':
      return `${member} (${id}) was removed from etcd`;
    case 'ArchiveDataDir': {
      const folders = [result?.dataDir, result?.walDir].filter(Boolean);
      return folders.length === 0
        ? ''
        : `its data on ${host} was moved aside, to ${folders.join(' and ')}, where it is kept`;
    }
    case 'AddMember':
      return `${member} was added to etcd as a ${target?.asLearner ? 'learner' : 'voter'}`;
    case 'JoinCluster': {
      const configured = cluster.members.find(({ name }) => name === member);
      const file = result?.file ?? (configured && layoutOf(cluster, configured).configFile) ?? '';
      const written = `the membership was written into ${file} on ${host}${result?.copy ? ` (as it was before: ${result.copy})` : ''}`;
      return result?.activeState === undefined ? written : `${written}; the service ${unit} there was started`;
    }
    case 'PromoteMember':
      return `${member} was made a voter`;
  }
}

type Request = Pick<ExplainChanges, 'cluster' | 'targets' | 'changes'>;

/** How the cluster stands after these changes of a replacement, to go on with "Now"; and whether a voter is missing. */
export function standingAfter({ cluster, targets, changes }: Request): { standing: string; isMissing: boolean } {
  const was = (action: Change['action'], member: string) =>
    changes.some((change) => change.action === action && change.member === member);
  const hasJoined = (member: string) =>
    changes.some(
      (change) =>
        change.action === 'JoinCluster' && change.member === member && change.result?.activeState !== undefined,
    );
  const sentences: string[] = [];
  const missing: string[] = [];
  for (const { member, asLearner, staysLearner } of targets) {
    // Data is moved aside only of one that is no member any more, also where the answer to its removal was lost.
    const wasRemoved = was('RemoveMember', member) || was('ArchiveDataDir', member);
    const wasAdded = was('AddMember', member);
    if (wasRemoved && !wasAdded) {
      sentences.push(`${member} was removed from etcd and is not back`);
      missing.push(member);
    } else if (wasAdded && asLearner && !staysLearner && !was('PromoteMember', member)) {
      sentences.push(`${member} is a learner, and no voter yet`);
      missing.push(member);
    } else if (wasAdded && !hasJoined(member)) {
      sentences.push(`${member} is a member again, and its service is not known to run`);
    } else if (!wasRemoved && was('StopService', member)) {
      sentences.push(`${member} is still a member, with its data in its place`);
    }
  }
  if (missing.length === 0)
    return { standing: `${sentences.join('; ') || "every member is in etcd's list"}.`, isMissing: false };
  const voters = votersOf(cluster).filter(({ name }) => !missing.includes(name));
  // Of two voters a quorum is two.
  const bears = voters.length - (Math.floor(voters.length / 2) + 1);
  const need =
    bears > 0 ? '' : `, and ${voters.length === 1 ? 'it is' : 'each is'} needed: one more failure stops the cluster`;
  return {
    standing: `${sentences.join('; ')}: ${count(voters.length)} left (${voters.map(({ name }) => name).join(', ')})${need}.`,
    isMissing: true,
  };
}

const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven'];

function count(voters: number): string {
  return `${NUMBERS[voters] ?? voters} ${voters === 1 ? 'voter is' : 'voters are'}`;
}
