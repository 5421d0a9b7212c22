import { describe, expect, it } from 'vitest';
import * as errors from '../../core/errors.ts';

const { ERROR_NAMES, RemediationError } = errors;

type ErrorClass = new (message: string, reason?: string) => errors.RemediationError;

const classes = Object.entries(errors).filter(
  (entry): entry is [string, ErrorClass] => typeof entry[1] === 'function' && entry[1] !== RemediationError,
);

describe('the errors a step may end with', () => {
  it('are a closed set', () => {
    expect(Object.keys(ERROR_NAMES)).toEqual([
      'InvalidInput',
      'PreconditionFailed',
      'UnsafeToProceed',
      'EtcdUnavailable',
      'VerificationFailed',
    ]);
  });

  it('have one class for each name', () => {
    expect(classes.map(([name]) => name).toSorted()).toEqual(Object.values(ERROR_NAMES).toSorted());
  });

  it.each(classes)('%s carries its own name, which is the one that Retry and Catch use', (exported, Class) => {
    const error = new Class('the disk is gone', 'Refused');
    expect(error).toBeInstanceOf(RemediationError);
    expect(error).toMatchObject({ name: exported, message: 'the disk is gone', reason: 'Refused' });
    expect(ERROR_NAMES).toHaveProperty(exported, exported);
  });

  it.each(classes)('%s keeps its name when its class is renamed by a bundler', (exported, Class) => {
    const a = class extends Class {};
    expect(new a('').name).toBe(exported);
  });

  it.each(classes)('%s needs no reason', (_, Class) => {
    expect(new Class('').reason).toBeUndefined();
  });
});
