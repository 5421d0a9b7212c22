import { OPERATIONS, type OperationId } from './operations.ts';

/** The operations of one path, by method. */
export type Methods = Readonly<Record<string, OperationId>>;

/** The paths of the API, each with its operations. */
export function routes(): Readonly<Record<string, Methods>> {
  const byPath: Record<string, Methods> = {};
  for (const [id, { method, path }] of Object.entries(OPERATIONS)) {
    byPath[path] = { ...byPath[path], [method]: id as OperationId };
  }
  return byPath;
}

const ROUTES = Object.entries(routes()).map(([path, methods]) => ({
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
  methods,
}));

/** What is at a path, and what stands for the parameters in it; undefined where there is nothing. */
export function routeOf(path: string): { methods: Methods; parameters: Readonly<Record<string, string>> } | undefined {
  for (const { pattern, methods } of ROUTES) {
    const found = pattern.exec(path);
    if (!found) continue;
    const given = Object.entries(found.groups ?? {}).map(([name, value]) => [name, decode(value)]);
    return { methods, parameters: Object.fromEntries(given) };
  }
  return undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
