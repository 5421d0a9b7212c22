import protobuf from 'protobufjs';

/** What protobufjs makes of a message: a request is only sent, a response only read. */
const MADE_OF = {
  request: { fromObject: protobuf.converter.fromObject, encode: protobuf.encoder },
  response: { decode: protobuf.decoder, toObject: protobuf.converter.toObject },
} as const;
type Direction = keyof typeof MADE_OF;

/**
 * JavaScript for the `Protocol` of lambdas/etcd/service-definitions.ts: the methods of these services, and the functions for their messages, which
 * protobufjs would otherwise generate and compile in each process anew.
 * @param services full names
 */
export function protocolOf(root: protobuf.Root, services: readonly string[]): string {
  const found = { request: new Set<protobuf.Type>(), response: new Set<protobuf.Type>() };
  const described = services.map((name) => {
    const methods = root.lookupService(name).methodsArray.map((method) => {
      method.resolve();
      const { resolvedRequestType: request, resolvedResponseType: response } = method;
      if (!request || !response) throw new Error(`${name}/${method.name} has no types.`);
      addReached(request, found.request);
      addReached(response, found.response);
      const { requestStream = false, responseStream = false } = method;
      return [method.name, { request: nameOf(request), response: nameOf(response), requestStream, responseStream }];
    });
    return [name, Object.fromEntries(methods)];
  });
  const messages = (['request', 'response'] as const).flatMap((direction) =>
    [...found[direction]].map((type) => messageSource(type, direction)),
  );
  const types = [...new Set([...found.request, ...found.response])].map(
    (type) => `${quoted(type)}: { ctor: function () {} }`,
  );
  return `{
    services: ${JSON.stringify(Object.fromEntries(described))},
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
