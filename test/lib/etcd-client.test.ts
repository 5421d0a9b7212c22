import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serviceDefinitions } from '../../lambdas/etcd/service-definitions.ts';
import { loadProto } from '../../lib/bundles/etcd-client.ts';

interface MethodDefinition {
  path: string;
  responseSerialize(value: object): Buffer;
  responseDeserialize(bytes: Buffer): unknown;
}

const etcd3 = dirname(createRequire(import.meta.url).resolve('etcd3/package.json'));
// Through text, as it goes into a bundle.
const proto = JSON.parse(JSON.stringify(loadProto(join(etcd3, 'proto/rpc.proto'))));
const status = serviceDefinitions(proto)['etcdserverpb.Maintenance']?.Status as MethodDefinition;

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
    expect(status.responseDeserialize(status.responseSerialize(answer))).toMatchObject(answer);
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
