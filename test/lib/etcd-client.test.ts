import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runInThisContext } from 'node:vm';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { type Protocol, serviceDefinitions } from '../../lambdas/etcd/service-definitions.ts';
import { loadProto, SERVICES } from '../../lib/bundles/etcd-client.ts';
import { protocolOf } from '../../lib/bundles/message-codecs.ts';

interface MethodDefinition {
  path: string;
  requestSerialize(value: object): Buffer;
  responseDeserialize(bytes: Buffer): unknown;
}

const etcd3 = dirname(createRequire(import.meta.url).resolve('etcd3/package.json'));
const proto = loadProto(join(etcd3, 'proto/rpc.proto'));
// Through text, as it goes into a bundle.
const protocol = runInThisContext(`(${protocolOf(proto, SERVICES)})`) as Protocol;
const definitions = serviceDefinitions(protocol);
const status = definitions['etcdserverpb.Maintenance']?.Status as MethodDefinition;
const METHODS = SERVICES.flatMap((service) =>
  proto.lookupService(service).methodsArray.map((method) => ({ service, method, name: `${service}/${method.name}` })),
);

/** A message of this type with something in each field, down to the third one in another. */
function sampleOf(type: protobuf.Type, depth = 3): Record<string, unknown> {
  const fields = type.fieldsArray.map((field) => {
    const { name, resolvedType, repeated, partOf } = field.resolve();
    // Of those that exclude each other, the first one.
    if (partOf && partOf.fieldsArray[0] !== field) return [];
    if (resolvedType instanceof protobuf.Type && depth === 0) return [];
    const value = sampleValue(field, depth);
    return [[name, repeated ? [value, value] : value]];
  });
  return Object.fromEntries(fields.flat());
}

function sampleValue({ resolvedType, type }: protobuf.Field, depth: number): unknown {
  if (resolvedType instanceof protobuf.Type) return sampleOf(resolvedType, depth - 1);
  if (resolvedType instanceof protobuf.Enum) return Object.keys(resolvedType.values).at(-1);
  if (type === 'bytes') return Buffer.from('key');
  if (type === 'bool') return true;
  if (type === 'string') return 'word';
  return type.endsWith('64') ? '9007199254740993' : 7;
}

/** A field of protobuf's wire format, written by hand: its key, and its value as a varint or as a length and bytes. */
function field(id: number, value: bigint | Buffer): Buffer {
  if (typeof value === 'bigint') return Buffer.concat([varint(BigInt(id) << 3n), varint(value)]);
  return Buffer.concat([varint((BigInt(id) << 3n) | 2n), varint(BigInt(value.length)), value]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

describe('a call, as the bundles make it,', () => {
  it.each(METHODS)('is written and read as by protobufjs itself: $name', ({ service, method }) => {
    const request = proto.lookupType(method.requestType);
    const response = proto.lookupType(method.responseType);
    const definition = definitions[service]?.[method.name] as MethodDefinition;
    const asked = sampleOf(request);
    expect(definition.requestSerialize(asked)).toEqual(Buffer.from(request.encode(request.fromObject(asked)).finish()));
    const answer = Buffer.from(response.encode(response.fromObject(sampleOf(response))).finish());
    const options = { longs: String, enums: String, defaults: true, oneofs: true };
    const read = response.toObject(response.decode(answer), options);
    expect(definition.responseDeserialize(answer)).toEqual(read);
    expect(definition.responseDeserialize(Buffer.alloc(0))).toEqual(response.toObject(response.create(), options));
  });
});

describe('the status of a member, as the bundles read it,', () => {
  it('is asked for under the path that etcd serves', () => {
    expect(status.path).toBe('/etcdserverpb.Maintenance/Status');
  });

  it('keeps the fields of etcd 3.6 through encoding and decoding', () => {
    const answer = {
      version: '3.6.1',
      dbSize: '9007199254740993',
      storageVersion: '3.6.0',
      dbSizeQuota: '9223372036854775807',
      downgradeInfo: { enabled: true, targetVersion: '3.5.0' },
    };
    const type = proto.lookupType('etcdserverpb.StatusResponse');
    const bytes = Buffer.from(type.encode(type.fromObject(answer)).finish());
    expect(status.responseDeserialize(bytes)).toMatchObject(answer);
  });

  it('has them where etcd 3.6 writes them', () => {
    const downgrade = Buffer.concat([field(1, 1n), field(2, Buffer.from('3.5.0'))]);
    const bytes = Buffer.concat([
      field(2, Buffer.from('3.6.1')),
      field(11, Buffer.from('3.6.0')),
      field(12, 8_589_934_592n),
      field(13, downgrade),
    ]);
    expect(status.responseDeserialize(bytes)).toMatchObject({
      version: '3.6.1',
      storageVersion: '3.6.0',
      dbSizeQuota: '8589934592',
      downgradeInfo: { enabled: true, targetVersion: '3.5.0' },
    });
  });

  it('is read from an etcd that does not have them yet', () => {
    expect(status.responseDeserialize(field(2, Buffer.from('3.5.16')))).toMatchObject({
      version: '3.5.16',
      storageVersion: '',
      dbSizeQuota: '0',
      downgradeInfo: null,
    });
  });
});
