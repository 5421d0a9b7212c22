import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import type { Running } from '../cli/command.ts';
import { ME, resultOf, type Terminal, terminalOf } from '../cli/deployed-scene.ts';
import { expectWhole, hostedStage, untilLed } from '../scenes/hosted-scene.ts';

/** A single reading after the other is confirmation enough here. */
const START = ['start', CLUSTER_NAME, '--incident', 'member-failed', '--parameters', '{"confirmSeconds":1}', '--watch'];

let stage: HostedStage;
let terminal: Terminal;
beforeAll(async () => {
  stage = await hostedStage();
  await stage.cluster.destroyMember('m3');
  await untilLed(stage);
  terminal = await terminalOf(stage.platform);
});
afterAll(async () => {
  await terminal?.close();
  await stage?.close();
});

/** Waits until what it shows says that it waits. */
async function untilItAsks(watching: Running): Promise<void> {
  const shown = () => watching.written.stdout + watching.written.stderr;
  await expect.poll(shown).toContain('It waits for an approval until ');
}

async function untilFree(): Promise<void> {
  const running = async () => {
    const { clusters } = resultOf(await terminal.type('clusters', '--json')) as unknown as {
      clusters: { running: unknown }[];
    };
    return clusters[0]?.running;
  };
  await expect.poll(running).toBeNull();
}

describe('a remediation that wants an approval', () => {
  it('shows whoever watches it what it would do, and how to answer; a rejection ends it', async () => {
    const watching = terminal.start(...START, '--id', 'first');
    await untilItAsks(watching);
    const [status, clusters] = await Promise.all([terminal.type('status', 'first'), terminal.type('clusters')]);
    expect(status.status).toBe(0);
    for (const shown of [watching.written.stdout, status.stdout]) {
      expect(shown).toMatch(/^It waits for an approval until \S+Z\. .* Meanwhile it remediates what needs none/m);
      expect(shown).toMatch(/^ {2}member-failed: .*m3/m);
      expect(shown).toMatch(/^ {2}member-replacement would do this:$/m);
      expect(shown).toMatch(/^ {4}Plan:$/m);
      expect(shown).toMatch(/^ {2}To answer: npx --no etcd-remediation approve first --approval 1$/m);
      expect(shown).toMatch(/^ +npx --no etcd-remediation reject first --approval 1 --reason WHY$/m);
    }
    expect(clusters.stdout).toContain('first (waits for an approval)');

    const stale = await terminal.type('approve', 'first', '--approval', '2', '--yes', '--json');
    expect([stale.status, resultOf(stale)]).toMatchObject([
      1,
      { outcome: 'StaleApproval', remediation: 'first', report: { cause: expect.stringContaining('"1"') } },
    ]);

    const rejected = await terminal.type('reject', 'first', '--reason', 'it comes back', '--yes', '--json');
    expect([rejected.status, resultOf(rejected)]).toEqual([
      0,
      {
        outcome: 'Rejected',
        id: 'first',
        cluster: CLUSTER_NAME,
        approval: '1',
        incident: 'member-failed',
        runbook: 'member-replacement',
        by: ME,
        reason: 'it comes back',
      },
    ]);
    expect(rejected.stderr).toMatch(
      /^It waits for an approval until [\s\S]*\nRejected, by arn:.*alice: it comes back\n/,
    );
    const ended = await watching.ended;
    expect(ended.status).toBe(1);
    expect(ended.stdout).toContain(`Remediation first of the cluster ${CLUSTER_NAME}: ApprovalRejected in `);
    expect(ended.stdout).toContain(`${ME} has rejected`);
    expect(await terminal.type('approve', 'first', '--yes')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^NotWaiting: The remediation first is FAILED/),
    });
  });

  it('does it once somebody approves of the question that they were shown, and tells what it did', async () => {
    await untilFree();
    const watching = terminal.start(...START, '--id', 'second', '--json');
    await untilItAsks(watching);
    const approved = await terminal.type('approve', 'second', '--approval', '1', '--yes');
    expect([approved.status, approved.stderr]).toEqual([0, '']);
    expect(approved.stdout).toMatch(/\nApproved, by arn:.*alice\nFollow it: npx --no etcd-remediation watch second\n$/);

    const ended = await watching.ended;
    expect(ended.status, ended.stderr).toBe(0);
    expect(resultOf(ended)).toMatchObject({
      id: 'second',
      outcome: 'Remediated',
      report: {
        outcome: 'Remediated',
        requestedBy: ME,
        approvals: [{ decision: 'approve', by: ME, reason: '' }],
        rounds: [{ runbook: 'member-replacement', outcome: 'Remediated' }],
      },
    });
    expect(ended.stderr).toMatch(/^ {2}✓ .*Wait for an approval +approve, by arn:/m);
    expect(ended.stderr).toMatch(/^ {4}✓ .*Add member +m3 is added to etcd\.$/m);
    const { status, stdout } = await terminal.type('status', 'second');
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Remediation second of the cluster ${CLUSTER_NAME}: Remediated in \\d`));
    expect(stdout).toContain(`\n  Requested by ${ME}\n  member-replacement (member-failed): Remediated. `);
    expect(stdout).toMatch(/^ {2}Approved for member-failed at 2\S+Z by arn:.*alice$/m);
    await expectWhole(stage);
  });

  it('is a success as well where there is nothing to do', async () => {
    await untilFree();
    const { status, stdout } = await terminal.type('start', CLUSTER_NAME, '--dry-run', '--watch');
    expect(status).toBe(0);
    expect(stdout).toMatch(/\nRemediation \S+ of the cluster \w+: NothingToDo in /);
    const diagnosed = await terminal.type('diagnose', '--deployed', '--json');
    expect([diagnosed.status, resultOf(diagnosed).outcome]).toEqual([0, 'Healthy']);
  });
});
