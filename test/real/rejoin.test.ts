import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { WAIT_MS } from '../run/patience.ts';
import { requireEtcd } from '../run/require-etcd.ts';
import { type Findings, letRejoin } from './rejoin-scene.ts';

const PROBE = fileURLToPath(new URL('./rejoin-probe.ts', import.meta.url));
/** Enough for the root filesystem to be built on a machine that has none yet. */
const TAKEN = { ofM1: 'taken', own: 'taken' };
const REJECTED = { ofM1: 'etcdserver: invalid auth token', own: 'etcdserver: invalid auth token' };

/** Before 3.4.19 and 3.5.5: https://github.com/etcd-io/etcd/issues/13205 */
const CURED_BY_RESTART: Findings = { snapshots: 1, rejoined: REJECTED, restarted: TAKEN };

describe('a member that starts empty and is sent a raft snapshot', () => {
  it('rejects every token until it is restarted, its own too, on etcd 3.3.25', async (test) => {
    await requireEtcd('3.3.25', test);
    expect(await letRejoin('process', '3.3.25')).toEqual(CURED_BY_RESTART);
  });

  it('does so beside another that rejects every token', async (test) => {
    await requireEtcd('3.3.25', test);
    expect(await letRejoin('process', '3.3.25', ['m4', 'm5'], 5)).toEqual(CURED_BY_RESTART);
  });

  it('takes every token on etcd 3.5.16', async () => {
    expect(await letRejoin('process', '3.5.16')).toEqual({ snapshots: 1, rejoined: TAKEN, restarted: TAKEN });
  });

  const isLinuxRoot = process.platform === 'linux' && process.getuid?.() === 0;
  it.skipIf(!isLinuxRoot)('rejects every token on hosts with systemd too, which needs root on Linux', async (test) => {
    // Inside, Debian's packages cannot be fetched.
    await requireEtcd('3.3.25', test);
    const { stdout } = await promisify(execFile)(process.execPath, [PROBE, '3.3.25'], { timeout: WAIT_MS });
    expect(JSON.parse(stdout)).toEqual(CURED_BY_RESTART);
  });
});
