import protobuf from 'protobufjs/minimal.js';
import { type Message, PROTOCOL } from './protocol.ts';

/** As etcd3's typed clients have their messages: snake_case as in the proto, 64-bit numbers and enums as text, every field there. */
const TO_OBJECT: protobuf.IConversionOptions = { longs: String, enums: String, defaults: true, oneofs: true };

/** What grpc-js has to know of one RPC. */
export interface Rpc {
  /** `/etcdserverpb.Maintenance/Status` */
  path: string;
  serialize(request: object): Buffer;
  deserialize(bytes: Buffer): object;
}

const messages = PROTOCOL.messages(protobuf);

/** By the service and the method as etcd3 names them: `Maintenance/status`. */
export const RPCS: Readonly<Record<string, Rpc>> = Object.fromEntries(
  Object.entries(PROTOCOL.rpcs).map(([name, { path, request, response }]) => {
    const [requestType, responseType] = [messages[request] as Message, messages[response] as Message];
    return [
      name,
      {
        path,
        serialize: (value: object) => Buffer.from(requestType.encode(requestType.fromObject(value)).finish()),
        deserialize: (bytes: Buffer) => responseType.toObject(responseType.decode(bytes), TO_OBJECT),
      },
    ];
  }),
);
