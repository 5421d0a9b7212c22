import { runInThisContext } from 'node:vm';
import type protobuf from 'protobufjs/minimal.js';
import { protocolSource } from './protocol-source.ts';

/** A message of one direction: what is only sent is never decoded. */
export interface Message {
  fromObject(value: object): object;
  encode(message: object): protobuf.Writer;
  decode(bytes: Buffer): object;
  toObject(message: object, options: protobuf.IConversionOptions): object;
}

/** The RPCs of etcd that are used, and the functions that write and read their messages. */
export interface Protocol {
  /** By the service and the method as etcd3 names them: `Maintenance/hashKV`. */
  rpcs: Readonly<Record<string, { path: string; request: string; response: string }>>;
  /** By their full names. */
  messages(runtime: typeof protobuf): Readonly<Record<string, Message>>;
}

/** In a bundle this module is the source itself, so that no process has to read etcd's proto: lib/bundles/etcd-client.ts. */
export const PROTOCOL: Protocol = runInThisContext(`(${protocolSource()})`);
