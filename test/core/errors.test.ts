import { describe, expect, it } from 'vitest';
import * as errors from '../../core/errors.ts';

const { ERROR_NAMES, WORKFLOW_ERRORS, RemediationError, ...exported } = errors;
const classes = Object.entries(exported);

describe('the errors a step may end with', () => {
  it('are a closed set', () => {
    expect(Object.keys(ERROR_NAMES)).toEqual([
      'InvalidInput',
      'PreconditionFailed',
      'UnsafeToProceed',
      'EtcdUnavailable',
      'AwsUnavailable',
      'HostCommandFailed',
      'HostUnreachable',
      'VerificationFailed',
    ]);
  });

  it('are others than those which a workflow ends with by itself', () => {
    expect(Object.keys(WORKFLOW_ERRORS)).toEqual(['ApprovalRejected', 'ApprovalTimedOut']);
    for (const name of Object.keys(WORKFLOW_ERRORS)) expect(ERROR_NAMES).not.toHaveProperty(name);
  });

  it('have one class for each name', () => {
    expect(classes.map(([name]) => name).toSorted()).toEqual(Object.values(ERROR_NAMES).toSorted());
  });

  it.each(classes)('%s carries its own name, which is the one that Retry and Catch use', (name, Class) => {
    const error = new Class('the disk is gone', 'Refused');
    expect(error).toBeInstanceOf(RemediationError);
    expect(error).toMatchObject({ name, message: 'the disk is gone', reason: 'Refused' });
    expect(ERROR_NAMES).toHaveProperty(name, name);
  });

  it.each(classes)('%s keeps its name when a bundler renames its class', (name, Class) => {
    const a = class extends (Class as typeof errors.InvalidInput) {};
    expect(new a('').name).toBe(name);
  });

  it.each(classes)('%s needs no reason', (_, Class) => {
    expect(new Class('').reason).toBeUndefined();
  });
});
