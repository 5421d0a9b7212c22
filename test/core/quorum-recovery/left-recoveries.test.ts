import { describe, expect, it } from 'vitest';
import { describeLeftRecoveries } from '../../../core/quorum-recovery/left-recoveries.ts';
import { directory, inspected, LAYOUT } from '../observations.ts';

type Phase = 'restored' | 'moving' | 'placed' | 'kept';

function left(phases: Record<string, Phase>, conditions: string[] | undefined, isMountPoint = false): string[] {
  const reports = ['node1', 'node2', 'node3'].map((name) => {
    const phase = phases[name];
    const recoveries = phase ? [{ execution: 'run-7', phase }] : [];
    return inspected(name, { dataDir: directory(LAYOUT.dataDir, { isMountPoint }), recoveries });
  });
  return describeLeftRecoveries(reports, conditions);
}

const SOME = { node1: 'moving', node2: 'restored' } as const;
const TOLD = 'a quorum recovery of the execution run-7 was interrupted (i-1 (node1): moving, i-2 (node2): restored)';

describe('a quorum recovery that was interrupted', () => {
  it.each([
    ['lost', ['quorum-lost', 'space-exceeded'], ': run the runbook for quorum-lost again, which brings it to its end'],
    [
      'perhaps lost',
      ['quorum-inaccessible'],
      ': where the quorum is lost, run the runbook for quorum-lost again, which brings it to its end',
    ],
    [
      'not known',
      undefined,
      ': where the quorum is lost, run the runbook for quorum-lost again, which brings it to its end',
    ],
  ])('is named with its hosts, and with what finishes it where the quorum is %s', (_, conditions, next) => {
    expect(left(SOME, conditions)).toEqual([`${TOLD}${next}`]);
  });

  it.each([
    ['healthy', false, '/var/lib/.etcd-remediation.etcd.run-7'],
    ['member-failed', true, '/var/lib/etcd/archived.run-7.scratch'],
  ])(
    'is to be seen to where the cluster works again as well, for which no runbook does it: %s',
    (condition, isMounted, folder) => {
      const [message] = left(SOME, [condition], isMounted);
      expect(message).toBe(
        `${TOLD}, and the cluster has its quorum all the same. At the next loss the runbook for quorum-lost would begin with bringing it to its end, and may put data of ` +
          'that time back into its place. Once every member is healthy, delete what it has left, which nothing uses: ' +
          `${folder} on i-1, ${folder} on i-2`,
      );
    },
  );

  it('is none where every host of it says that it is kept, and the quorum is there', () => {
    expect(left({ node1: 'kept', node2: 'kept' }, ['healthy'])).toEqual([]);
    // Its services may not all have been started.
    expect(left({ node1: 'kept', node2: 'kept' }, ['quorum-lost'])).toEqual([
      expect.stringContaining('run the runbook for quorum-lost again'),
    ]);
    expect(left({ node1: 'kept', node2: 'placed' }, ['healthy'])).toHaveLength(1);
  });
});
