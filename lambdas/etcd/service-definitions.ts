import protobuf from 'protobufjs/minimal.js';

/** As etcd3 wants its messages: snake_case as in the proto, 64-bit numbers and enums as text, every field there. */
const TO_OBJECT: protobuf.IConversionOptions = { longs: String, enums: String, defaults: true, oneofs: true };

/** Of one direction: what is only sent is never decoded. */
interface Message {
  fromObject(value: object): object;
  encode(message: object): protobuf.Writer;
  decode(bytes: Buffer): object;
  toObject(message: object, options: protobuf.IConversionOptions): object;
}

/** A proto whose functions were generated when the bundle was made: lib/bundles/message-codecs.ts. */
export interface Protocol {
  /** By their full names, and their methods' names; messages by their full names. */
  services: Readonly<Record<string, Readonly<Record<string, Method>>>>;
  messages(runtime: typeof protobuf): Readonly<Record<string, Message>>;
}

interface Method {
  request: string;
  response: string;
  requestStream: boolean;
  responseStream: boolean;
}

/**
 * The services of etcd's proto for grpc-js. In a bundle it stands for @grpc/proto-loader, which reads the proto at each start, and also builds a
 * descriptor of each message for reflection that nobody asks for.
 */
export function serviceDefinitions({ services, messages }: Protocol): Record<string, Record<string, object>> {
  const all = messages(protobuf);
  const definitionOf = (service: string, name: string, { request, response, ...streams }: Method) => {
    const [asked, answered] = [all[request] as Message, all[response] as Message];
    return {
      path: `/${service}/${name}`,
      originalName: name.charAt(0).toLowerCase() + name.slice(1),
      ...streams,
      requestSerialize: (value: object) => Buffer.from(asked.encode(asked.fromObject(value)).finish()),
      responseDeserialize: (bytes: Buffer) => answered.toObject(answered.decode(bytes), TO_OBJECT),
    };
  };
  return Object.fromEntries(
    Object.entries(services).map(([service, methods]) => [
      service,
      Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, definitionOf(service, name, method)])),
    ]),
  );
}
