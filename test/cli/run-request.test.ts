import { describe, expect, it } from 'vitest';
import { remediationInputFor } from '../../cli/run-request.ts';
import type { Incident } from '../../core/runbooks.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import { clusterOf, configured, failureOf, spare } from '../core/observations.ts';

const HOSTS = { 'i-1': { exec: ['bash'] } };
const AUTOMATIC = { 'member-failed': 'automatic', 'quorum-lost': 'automatic' } as const;

function inputFor(incident: Incident, parameters: JsonObject, { policy = {}, ...flags } = {}) {
  const cluster = clusterOf([configured('node1')], { spareHosts: [spare('node9')], policy });
  return remediationInputFor(incident, cluster, HOSTS, { dryRun: false, approve: false, parameters, ...flags });
}

describe('what a run asks for beyond what its runbook does by itself', () => {
  it.each<[Incident, JsonObject, string]>([
    ['quorum-lost', { acceptFewerMembers: true }, 'fewer-members'],
    ['quorum-lost', { snapshot: { key: 'orders/old.db', force: true } }, 'force-backup'],
    [
      'quorum-lost',
      { acceptFewerMembers: true, snapshot: { key: 'orders/old.db', force: true } },
      'force-backup, fewer-members',
    ],
    ['member-failed', { replacement: { host: 'i-9' } }, 'replace-host'],
    ['auth-token-invalid', { strategy: 'toggle' }, 'toggle-authentication'],
  ])('is refused before anything is started, without --approve: %s %j', (incident, parameters, entries) => {
    expect(failureOf(() => inputFor(incident, parameters, { policy: AUTOMATIC }))).toMatchObject({
      name: 'InvalidInput',
      message: `The policy of cluster orders asks for an approval of ${entries}. Look at the plan with --dry-run, then give --approve.`,
    });
    const named = Object.fromEntries(entries.split(', ').map((act) => [act, 'automatic']));
    for (const flags of [{ approve: true }, { dryRun: true }, { policy: { ...AUTOMATIC, ...named } }]) {
      expect(inputFor(incident, parameters, { policy: AUTOMATIC, ...flags })).toMatchObject({ incident, parameters });
    }
  });

  it('is named beside the incident, where both want one', () => {
    expect(failureOf(() => inputFor('member-failed', { replacement: { host: 'i-9' } })).message).toContain(
      'asks for an approval of member-failed, replace-host.',
    );
  });
});
