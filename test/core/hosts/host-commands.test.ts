import { describe, expect, it } from 'vitest';
import { ERROR_NAMES } from '../../../core/errors.ts';
import { HOST_COMMAND_RESULTS, hostInspectionSchema } from '../../../core/hosts/host-command-results.ts';
import { documentName, EXIT_CODES, HOST_COMMANDS, parameterSchema } from '../../../core/hosts/host-commands.ts';
import { inspection } from '../observations.ts';
import { HOSTILE } from '../text/hostile-texts.ts';

describe('the parameters of the commands', () => {
  const parameters = Object.entries(HOST_COMMANDS).flatMap(([command, { parameters: all }]) =>
    Object.entries(all).map(([name, parameter]) => ({ command, name, parameter })),
  );

  it.each(parameters)('$command takes no shell words as $name', ({ parameter }) => {
    const schema = parameterSchema(parameter);
    const accepted = HOSTILE.filter((value) => schema.safeParse(value).success);
    expect(accepted).toEqual([]);
  });

  it.each([
    [
      'control-service',
      'action',
      ['start', 'start-without-waiting', 'stop', 'restart'],
      ['', 'Stop', 'stop ', 'kill', 'start\n', 'constructor'],
    ],
    ['swap-data-dir', 'data', ['swap', 'leave'], ['', 'old', 'swap,leave']],
    ['snapshot-data-dir', 'keep', ['yes', 'no'], ['', 'Yes', 'true', 'no\n']],
    ['fetch-backup', 'keep', ['yes', 'no'], ['', 'y']],
    ['restore-snapshot', 'hashCheck', ['yes', 'no'], ['', 'skip']],
    ['swap-data-dir', 'replaceNewer', ['yes', 'no'], ['', 'always']],
    ['swap-data-dir', 'data', ['swap', 'leave'], ['', 'stop']],
  ] as const)('%s takes as %s one of its words and nothing else', (command, name, words, others) => {
    const all: Record<string, Parameters<typeof parameterSchema>[0]> = HOST_COMMANDS[command].parameters;
    const schema = parameterSchema(all[name] as Parameters<typeof parameterSchema>[0]);
    expect([...words, ...others].filter((word) => schema.safeParse(word).success)).toEqual(words);
  });
});

describe('the commands', () => {
  it('each have a result of their own', () => {
    expect(Object.keys(HOST_COMMAND_RESULTS).toSorted()).toEqual(Object.keys(HOST_COMMANDS).toSorted());
  });

  it('have documents that a deployment recognizes as its own', () => {
    expect(documentName('inspect-host')).toBe('etcd-remediation-inspect-host');
  });

  it('end with codes that stand for errors of the taxonomy, no two alike, and none that a shell uses itself', () => {
    const codes = Object.entries(EXIT_CODES);
    for (const [name, code] of codes) {
      expect(ERROR_NAMES).toHaveProperty(name);
      expect(code).toBeGreaterThan(2);
      expect(code).toBeLessThan(124);
    }
    expect(new Set(codes.map(([, code]) => code)).size).toBe(codes.length);
  });
});

describe('what snapshot-data-dir found', () => {
  const salvaged = {
    method: 'replayed',
    revision: '5858',
    totalKeys: 5863,
    hash: '2154495551',
    version: '3.7.0',
    sizeBytes: 1765376,
    rawRevision: '5698',
    clusterId: 'a7ef944b95711739',
    log: { clusterId: 'a7ef944b95711739', complete: true, commitIndex: '5868', lastIndex: '5877' },
    snapshot: { sizeBytes: 106264, sha256: 'afdff2cb2e2e2c49916376a132413499a27d5efdb7b2dcc5b065a4d89d26afbc' },
    problem: '',
  };
  const schema = HOST_COMMAND_RESULTS['snapshot-data-dir'];

  it('is read without a change, with a log and a snapshot or without', () => {
    expect(schema.parse(salvaged)).toEqual(salvaged);
    const nothing = { ...salvaged, method: 'none', log: null, snapshot: null };
    expect(schema.parse(nothing)).toEqual(nothing);
  });

  it.each([
    ['a revision that is a number', { ...salvaged, revision: 5858 }],
    ['an unknown method', { ...salvaged, method: 'guessed' }],
    ['half a log', { ...salvaged, log: { complete: true, commitIndex: '5868' } }],
  ])('is refused with %s', (_, value) => {
    expect(schema.safeParse(value).success).toBe(false);
  });
});

describe('what inspect-host found', () => {
  it('is read without a change', () => {
    expect(hostInspectionSchema.parse(inspection('node1'))).toEqual(inspection('node1'));
  });

  it.each([
    ['a field too many', { ...inspection('node1'), hostname: 'a' }],
    ['a wal dir that is left out instead of null', { ...inspection('node1'), walDir: undefined }],
    ['a size with a unit', { ...inspection('node1'), dataDir: { ...inspection('node1').dataDir, sizeBytes: '40M' } }],
    ['a recovery at an unknown point', { ...inspection('node1'), recoveries: [{ execution: 'run-1', phase: 'half' }] }],
    ['half a byte', { ...inspection('node1'), dataDir: { ...inspection('node1').dataDir, freeBytes: 0.5 } }],
    [
      'an unknown format',
      { ...inspection('node1'), configuration: { ...inspection('node1').configuration, format: 'toml' } },
    ],
  ])('is refused with %s', (_, value) => {
    expect(hostInspectionSchema.safeParse(value).success).toBe(false);
  });
});
