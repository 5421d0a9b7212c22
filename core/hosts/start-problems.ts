import { type Cluster, layoutOf } from '../cluster/clusters.ts';
import { wordsIn } from './start-causes.ts';

/** Behind it comes the log, and of that first the line that says why: see documents/control-service.sh. */
const END_OF_LOG = /\s*The end of its log:$/;

/**
 * Adds to a sentence why services did not start: a line for each host, with the one line of its log that says why, and where the
 * whole log is.
 * @param started the problems as the phase on hosts has reported them: `node3: ...`, with the end of a log; empty where there were none
 */
export function withStartProblems(
  sentence: string,
  { cluster, restartProblem }: { cluster: Cluster; restartProblem: string },
): string {
  if (restartProblem === '') return sentence;
  const entries: string[][] = [];
  for (const line of restartProblem.split('\n')) {
    const isFirst = cluster.members.some(({ name }) => line.startsWith(`${name}: `));
    if (isFirst || entries.length === 0) entries.push([line]);
    else entries.at(-1)?.push(line);
  }
  return [sentence, ...entries.map(([first = '', why = '']) => shorten(first, why, cluster))].join('\n');
}

function shorten(first: string, why: string, cluster: Cluster): string {
  const member = cluster.members.find(({ name }) => first.startsWith(`${name}: `));
  if (!END_OF_LOG.test(first) || !member) return `- ${first}`;
  const { unit } = layoutOf(cluster, member);
  return `- ${first.replace(END_OF_LOG, '')} Its log says: ${wordsIn(why)}. The whole log: "journalctl -u ${unit}" on ${member.host}.`;
}
