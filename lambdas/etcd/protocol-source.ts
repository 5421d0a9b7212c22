import { createRequire } from 'node:module';
import protobuf from 'protobufjs';

/** What etcd is asked for, as etcd3 names it. The functions for its messages are a tenth of a bundle, so there are none for anything else. */
export const METHODS = [
  ...['KV/range', 'KV/put', 'KV/deleteRange', 'KV/txn', 'KV/compact', 'Watch/watch'],
  ...[
    'Maintenance/alarm',
    'Maintenance/status',
    'Maintenance/defragment',
    'Maintenance/hashKV',
    'Maintenance/snapshot',
  ],
  ...[
    'Maintenance/moveLeader',
    'Cluster/memberAdd',
    'Cluster/memberRemove',
    'Cluster/memberList',
    'Cluster/memberPromote',
  ],
  ...['Auth/authenticate', 'Auth/authEnable', 'Auth/authDisable', 'Auth/userGet', 'Auth/roleGet'],
];

/** What StatusResponse gained in etcd 3.6: https://github.com/etcd-io/etcd/blob/main/api/etcdserverpb/rpc.proto */
const DOWNGRADE_INFO: protobuf.IType = {
  fields: { enabled: { type: 'bool', id: 1 }, targetVersion: { type: 'string', id: 2 } },
};
const STATUS_FIELDS: Record<string, protobuf.IField> = {
  storageVersion: { type: 'string', id: 11 },
  dbSizeQuota: { type: 'int64', id: 12 },
  downgradeInfo: { type: 'DowngradeInfo', id: 13 },
};

/** What protobufjs makes of a message: a request is only sent, a response only read. */
const MADE_OF = {
  request: { fromObject: protobuf.converter.fromObject, encode: protobuf.encoder },
  response: { decode: protobuf.decoder, toObject: protobuf.converter.toObject },
} as const;
type Direction = keyof typeof MADE_OF;

/** etcd's proto as etcd3 brings it, with the status fields of etcd 3.6. */
export function loadProto(): protobuf.Root {
  const file = createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto');
  const root = new protobuf.Root().loadSync(file, { keepCase: true });
  const etcdserverpb = root.lookup('etcdserverpb') as protobuf.Namespace;
  etcdserverpb.add(protobuf.Type.fromJSON('DowngradeInfo', DOWNGRADE_INFO));
  const status = etcdserverpb.lookupType('StatusResponse');
  for (const [name, field] of Object.entries(STATUS_FIELDS)) {
    if (!status.fields[name]) status.add(protobuf.Field.fromJSON(name, field));
  }
  root.resolveAll();
  return root;
}

/** @param name one of {@link METHODS} @throws Error where etcd has none of this name */
export function methodOf(root: protobuf.Root, name: string): protobuf.Method {
  const [service, method = ''] = name.split('/');
  const { methods } = root.lookupService(`etcdserverpb.${service}`);
  const found = methods[`${method.charAt(0).toUpperCase()}${method.slice(1)}`];
  if (!found) throw new Error(`etcd has no ${name}.`);
  return found;
}

/**
 * JavaScript for the `Protocol` of ./protocol.ts: the RPCs of {@link METHODS}, and the functions for their messages, which protobufjs
 * would otherwise generate and compile in each process again.
 */
export function protocolSource(root = loadProto()): string {
  const found = { request: new Set<protobuf.Type>(), response: new Set<protobuf.Type>() };
  const rpcs = METHODS.map((name) => {
    const method = methodOf(root, name).resolve();
    const { resolvedRequestType: request, resolvedResponseType: response } = method as protobuf.Method;
    if (!request || !response) throw new Error(`${name} has no types.`);
    addReached(request, found.request);
    addReached(response, found.response);
    const path = `/etcdserverpb.${name.split('/')[0]}/${method.name}`;
    return [name, { path, request: nameOf(request), response: nameOf(response) }];
  });
  const messages = (['request', 'response'] as const).flatMap((direction) =>
    [...found[direction]].map((type) => messageSource(type, direction)),
  );
  const types = [...new Set([...found.request, ...found.response])].map(
    (type) => `${quoted(type)}: { ctor: function () {} }`,
  );
  return `{
    rpcs: ${JSON.stringify(Object.fromEntries(rpcs))},
    messages({ Reader, Writer, util }) {
      const all = { ${types.join(', ')} };
      ${messages.join('\n')}
      return all;
    },
  }`;
}

/** Adds the type and those of its fields, and of theirs. */
function addReached(type: protobuf.Type, found: Set<protobuf.Type>): void {
  if (found.has(type)) return;
  found.add(type);
  for (const field of type.fieldsArray) {
    const { resolvedType } = field.resolve();
    if (resolvedType instanceof protobuf.Type) addReached(resolvedType, found);
  }
}

/** The functions of protobufjs read the types of fields from `types`, by the fields' places. */
function messageSource(type: protobuf.Type, direction: Direction): string {
  const types = type.fieldsArray.map(({ resolvedType }) => {
    if (resolvedType instanceof protobuf.Type) return `all[${quoted(resolvedType)}]`;
    return resolvedType instanceof protobuf.Enum ? `{ values: ${JSON.stringify(resolvedType.valuesById)} }` : 'null';
  });
  const functions = Object.entries(MADE_OF[direction]).map(([name, generate]) => `${name}: ${generate(type)}`);
  return `{ const types = [${types.join(', ')}]; Object.assign(all[${quoted(type)}], { ${functions.join(', ')} }); }`;
}

function nameOf({ fullName }: protobuf.ReflectionObject): string {
  return fullName.replace(/^\./, '');
}

function quoted(type: protobuf.ReflectionObject): string {
  return JSON.stringify(nameOf(type));
}
