import protobuf from 'protobufjs/light.js';

/** As etcd3 wants its messages: snake_case as in the proto, 64-bit numbers and enums as text, every field there. */
const TO_OBJECT: protobuf.IConversionOptions = { longs: String, enums: String, defaults: true, oneofs: true };

/**
 * The services of etcd's proto for grpc-js. In a bundle it stands for @grpc/proto-loader, which also builds a descriptor of each
 * message for reflection that nobody asks for, and takes a quarter of a cold start for it.
 * @param proto the proto as protobufjs's JSON
 */
export function serviceDefinitions(proto: protobuf.INamespace): Record<string, Record<string, object>> {
  const { nestedArray } = protobuf.Root.fromJSON(proto).resolveAll().lookup('etcdserverpb') as protobuf.Namespace;
  const services = nestedArray.filter((object) => object instanceof protobuf.Service);
  return Object.fromEntries(
    services.map((service) => [
      service.fullName.slice(1),
      Object.fromEntries(service.methodsArray.map((method) => [method.name, methodDefinition(service, method)])),
    ]),
  );
}

function methodDefinition({ fullName }: protobuf.Service, method: protobuf.Method) {
  const { resolvedRequestType: request, resolvedResponseType: response } = method;
  if (!request || !response) throw new Error(`${fullName}/${method.name} has no types.`);
  return {
    path: `/${fullName.slice(1)}/${method.name}`,
    originalName: method.name.charAt(0).toLowerCase() + method.name.slice(1),
    requestStream: method.requestStream ?? false,
    responseStream: method.responseStream ?? false,
    requestSerialize: (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish()),
    requestDeserialize: (bytes: Buffer) => request.toObject(request.decode(bytes), TO_OBJECT),
    responseSerialize: (value: object) => Buffer.from(response.encode(response.fromObject(value)).finish()),
    responseDeserialize: (bytes: Buffer) => response.toObject(response.decode(bytes), TO_OBJECT),
  };
}
