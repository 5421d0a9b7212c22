import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../core/api/operations.ts';
import { routeOf } from '../../../core/api/routes.ts';

describe('a path', () => {
  it.each(Object.entries(OPERATIONS).map(([id, { method, path }]) => [`${method} ${path}`, id, method, path]))(
    'leads to its operation: %s',
    (_, id, method, path) => {
      const route = routeOf(path.replaceAll(/[{}]/g, ''));
      expect(route?.methods).toMatchObject({ [method]: id });
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(route?.parameters).toEqual(Object.fromEntries(names.map((name) => [name, name])));
    },
  );

  it.each<[string, string, string]>([
    ['as it is', 'orders', 'orders'],
    ['decoded', 'or%2Fders%20', 'or/ders '],
    ['as it is where it cannot be decoded', '%E0%', '%E0%'],
  ])('has its parameters %s', (_, written, read) => {
    expect(routeOf(`/clusters/${written}/diagnosis`)?.parameters).toEqual({ name: read });
  });

  it.each([
    ...['/', '', '/clusters/', '//clusters', '/clusters//diagnosis', '/clusters/a/b', '/v1/clusters'],
    ...['/clusters?after=a', '/openapiXjson', '/Clusters', '/constructor', '/__proto__'],
  ])('leads nowhere where there is nothing: %j', (path) => {
    expect(routeOf(path)).toBeUndefined();
  });
});
