import type { IncidentReport } from '../../report/incident-report.ts';
import { makeReport } from '../../report/make-report.ts';
import { at, executionOf, failed } from './histories.ts';

/** What a cluster, a member or an error might be called. */
const EVIL = `<script>alert(1)</script><img src=x onerror=alert(2)> "quoted" 'too' & \u202eback`;

export const SLICES = { accepted: [3, 0, 4], refused: [0, 5, 0], unanswered: [0, 0, 1] };

/** A report with something of everything, in which each name wants to be HTML. */
export const EXAMPLE: IncidentReport = makeReport({
  runbooks: [
    executionOf(
      'etcd-remediation-space-reclaim',
      { input: { cluster: EVIL }, end: failed('EtcdUnavailable', EVIL), until: 9 },
      {
        state: EVIL,
        ...{ from: 0, to: 2, step: 'assess-space', input: { member: EVIL } },
        output: {
          summary: EVIL,
          members: [
            {
              name: EVIL,
              dbSizeBytes: 4_194_304,
              dbSizeInUseBytes: 1_048_576,
              quotaBytes: 8_388_608,
              raftAppliedIndex: '7',
            },
          ],
        },
      },
    ),
  ],
  drill: {
    ...{ scenario: 'space-exceeded', etcd: '3.6.16', detectMs: 12, maxWriteStallMs: 345, maxSilenceMs: 67 },
    ...{ ackedWrites: 1234, lostWrites: 0, checks: [{ name: EVIL, ok: false, detail: EVIL }] },
    writes: { from: at(0), sliceMs: 500, ...SLICES },
  },
  now: new Date(at(9)),
});
