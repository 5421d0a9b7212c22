/**
 * By which prefixes keys are grouped. A key is a text here, in which each character is one of its bytes (latin1): a key of etcd may be any bytes.
 */

/** What is deeper says more than anybody asks. */
const MOST_SEGMENTS = 8;
/** Where Kubernetes and OpenShift keep their objects (--etcd-prefix of kube-apiserver). */
const REGISTRIES = ['/registry/', '/kubernetes.io/', '/openshift.io/'];
/** Of what is longer its beginning is enough. */
const SHOWN_CHARS = 120;

/**
 * Every prefix of a key that ends with a slash, the shortest first: `/a/b/c` -> `/`, `/a/`, `/a/b/`. Never the whole key. Those of Kubernetes
 * end with the resource: `/registry/pods/`, or `/registry/example.com/widgets/` of a custom one.
 */
export function prefixesOf(key: string): string[] {
  const registry = REGISTRIES.find((each) => key.startsWith(each));
  const most = registry === undefined ? MOST_SEGMENTS : 2 + resourceSegments(key.slice(registry.length));
  const prefixes: string[] = [];
  let at = key.indexOf('/');
  while (at >= 0 && at < key.length - 1 && prefixes.length < most) {
    prefixes.push(key.slice(0, at + 1));
    at = key.indexOf('/', at + 1);
  }
  return prefixes;
}

/** A group's name has a dot, and its resource follows; services keep theirs in two folders: services/specs and services/endpoints. */
function resourceSegments(rest: string): number {
  const [first = ''] = rest.split('/', 1);
  return first.includes('.') || first === 'services' ? 2 : 1;
}

/** For a person, a log or a terminal: UTF-8 as it is, and what is not printable escaped: `/a/\x00b`. */
export function printable(bytes: string): string {
  const shown = [...(decoded(bytes) ?? escapeHighBytes(bytes))].map(escapeUnprintable);
  return shown.length > SHOWN_CHARS ? `${shown.slice(0, SHOWN_CHARS - 1).join('')}…` : shown.join('');
}

/** Undefined where it is not UTF-8. */
function decoded(bytes: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(bytes, (character) => character.charCodeAt(0)),
    );
  } catch {
    return undefined;
  }
}

function escapeHighBytes(bytes: string): string[] {
  return [...bytes].map((character) => (character > '\x7e' ? hex(character.charCodeAt(0)) : character));
}

function escapeUnprintable(character: string): string {
  if (character.length > 2) return character;
  if (character === '\\') return '\\\\';
  if (!/[\p{C}\p{Zl}\p{Zp}]/u.test(character)) return character;
  return [...new TextEncoder().encode(character)].map(hex).join('');
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
