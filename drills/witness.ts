import { type ClientTls, isHealthy } from '../local/etcd/health.ts';

/** Runs etcdctl against one member, or against all. @throws Error with etcdctl's own words */
export type Etcdctl = (args: string[], member?: string) => Promise<string>;

/** What is seen with etcdctl: by this a drill proves, and not by what the runbooks use. */
export interface Witness {
  members: readonly { name: string; clientUrl: string }[];
  tls: ClientTls | undefined;
  etcdctl: Etcdctl;
}

export interface SeenMember {
  /** In hex. */
  id: string;
  leads: boolean;
  isLearner: boolean;
  dbSizeBytes: number;
}

/** By name. Undefined for a member that does not answer. */
export async function statuses({ members, etcdctl }: Witness): Promise<Map<string, SeenMember | undefined>> {
  const seen = members.map(async ({ name }): Promise<[string, SeenMember | undefined]> => {
    const answer = await etcdctl(['endpoint', 'status', '--write-out=json'], name).catch(() => undefined);
    return [name, answer === undefined ? undefined : readStatus(answer)];
  });
  return new Map(await Promise.all(seen));
}

/** As text: JSON.parse would round IDs. */
function readStatus(json: string): SeenMember {
  const number = (field: string) => BigInt(new RegExp(`"${field}":"?(\\d+)`).exec(json)?.[1] ?? 0);
  const id = number('member_id');
  return {
    id: id.toString(16),
    leads: number('leader') === id,
    isLearner: /"isLearner":true/.test(json),
    dbSizeBytes: Number(number('dbSize')),
  };
}

/** A line for each alarm that is raised. */
export async function alarms({ etcdctl }: Witness): Promise<string[]> {
  const answer = await etcdctl(['alarm', 'list']);
  return answer.split('\n').filter((line) => line !== '');
}

/** Those that serve clients and know a leader. */
export async function healthyOnes({ members, tls }: Witness): Promise<string[]> {
  const healthy = await Promise.all(members.map(({ clientUrl }) => isHealthy(clientUrl, tls)));
  return members.flatMap(({ name }, index) => (healthy[index] ? [name] : []));
}

/** The last acknowledged write of a key: its revision, and its number, with which its value begins. */
export interface Acknowledged {
  revision: bigint;
  sequence: number;
}

/** Keys that are read at once: a value has 64 KiB at most, and what etcdctl prints of it a third more. */
const PAGE = 500;

/** Reads every key of the writer's back. @returns how many acknowledged writes are gone */
export async function countLostWrites(
  acknowledged: ReadonlyMap<string, Acknowledged>,
  etcdctl: Etcdctl,
): Promise<number> {
  const isKept = new Set<string>();
  for (let from = 'drill/', count = PAGE; count === PAGE; ) {
    // Up to the key after all that begin with "drill/".
    const answer = await etcdctl(['get', from, 'drill0', `--limit=${PAGE}`, '--write-out=json']);
    const { kvs = [] }: { kvs?: { key: string; value?: string; mod_revision: number }[] } = JSON.parse(answer);
    for (const { key, value = '', mod_revision } of kvs) {
      from = Buffer.from(key, 'base64').toString();
      const expected = acknowledged.get(from);
      // A later write that was not acknowledged may have happened; an earlier one in its place is a loss.
      const isSame = () => Buffer.from(value, 'base64').toString().startsWith(`${expected?.sequence} `);
      const revision = BigInt(mod_revision);
      if (expected && (revision > expected.revision || (revision === expected.revision && isSame()))) isKept.add(from);
    }
    count = kvs.length;
  }
  return acknowledged.size - isKept.size;
}
