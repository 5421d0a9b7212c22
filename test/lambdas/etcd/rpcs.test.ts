import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { loadProto, METHODS, methodOf } from '../../../lambdas/etcd/protocol-source.ts';
import { RPCS, type Rpc } from '../../../lambdas/etcd/rpcs.ts';

const proto = loadProto();
const status = RPCS['Maintenance/status'] as Rpc;
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

describe('a call', () => {
  it.each(METHODS)('is written and read as by protobufjs itself: %s', (name) => {
    const method = methodOf(proto, name);
    const request = proto.lookupType(method.requestType);
    const response = proto.lookupType(method.responseType);
    const rpc = RPCS[name] as Rpc;
    const asked = sampleOf(request);
    expect(rpc.serialize(asked)).toEqual(Buffer.from(request.encode(request.fromObject(asked)).finish()));
    const answer = Buffer.from(response.encode(response.fromObject(sampleOf(response))).finish());
    const options = { longs: String, enums: String, defaults: true, oneofs: true };
    const read = response.toObject(response.decode(answer), options);
    expect(rpc.deserialize(answer)).toEqual(read);
    expect(rpc.deserialize(Buffer.alloc(0))).toEqual(response.toObject(response.create(), options));
  });
});

describe('the status of a member', () => {
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
    expect(status.deserialize(bytes)).toMatchObject(answer);
  });

  it('has them where etcd 3.6 writes them', () => {
    const downgrade = Buffer.concat([field(1, 1n), field(2, Buffer.from('3.5.0'))]);
    const bytes = Buffer.concat([
      field(2, Buffer.from('3.6.1')),
      field(11, Buffer.from('3.6.0')),
      field(12, 8_589_934_592n),
      field(13, downgrade),
    ]);
    expect(status.deserialize(bytes)).toMatchObject({
      version: '3.6.1',
      storageVersion: '3.6.0',
      dbSizeQuota: '8589934592',
      downgradeInfo: { enabled: true, targetVersion: '3.5.0' },
    });
  });

  it('is read from an etcd that does not have them yet', () => {
    expect(status.deserialize(field(2, Buffer.from('3.5.16')))).toMatchObject({
      version: '3.5.16',
      storageVersion: '',
      dbSizeQuota: '0',
      downgradeInfo: null,
    });
  });
});
