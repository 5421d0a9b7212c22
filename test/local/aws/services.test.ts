import { describe, expect, it } from 'vitest';
import { systemsManager } from '../../../local/aws/services.ts';

const NAMES = Array.from({ length: 12 }, (_, index) => `/clusters/c${String(index).padStart(2, '0')}`);
const parameters = Object.fromEntries(
  [...NAMES, '/clusters/deep/c', '/clustersx', '/other'].map((name) => [name, name]),
);
const byPath = systemsManager(parameters)['AmazonSSM.GetParametersByPath'];

function ask(request: Record<string, unknown>) {
  return byPath?.(request) as { Parameters: { Name: string; Value: string }[]; NextToken?: string };
}

describe('GetParametersByPath on loopback', () => {
  it.each(['/clusters', '/clusters/'])('answers in pages of ten with what is right in %s', (Path) => {
    const first = ask({ Path });
    expect(first.Parameters.map(({ Name }) => Name)).toEqual(NAMES.slice(0, 10));
    expect(first.Parameters[0]).toEqual({ Name: NAMES[0], Type: 'String', Value: NAMES[0], Version: 1 });
    const second = ask({ Path, NextToken: first.NextToken });
    expect(second.Parameters.map(({ Name }) => Name)).toEqual(NAMES.slice(10));
    expect(second).not.toHaveProperty('NextToken');
  });

  it('answers with nothing where nothing is', () => {
    expect(ask({ Path: '/nothing' })).toEqual({ Parameters: [] });
  });

  it.each([[{ Path: 'clusters' }], [{}], [{ Path: '/clusters', Recursive: true }]])(
    'refuses %j, of which it knows nothing',
    (request) => {
      expect(() => ask(request)).toThrow();
    },
  );
});
