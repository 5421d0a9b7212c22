import * as z from 'zod';

/**
 * A URL at which etcd listens, or which it announces. etcd reads it with Go's net/url, and our functions with the browsers' URL, which accepts
 * much that stops etcd, and reads some names as addresses. So only URLs that both read alike are accepted, in one spelling.
 * It is the one rule for URLs of members: etcd and the host scripts use what passes here as it is.
 * @see https://github.com/etcd-io/etcd/blob/v3.5.16/client/pkg/types/urls.go
 */
export const memberUrl = z
  .string()
  .superRefine((value, context) => {
    const problem = urlProblem(value);
    if (problem) context.addIssue({ code: 'custom', message: problem });
  })
  // For a JSON schema, which cannot say all of it.
  .meta({ pattern: '^https?://[^/?#@\\\\\\s]+:[1-9][0-9]{0,4}$' });

const EXAMPLE = 'write it like "https://10.0.1.11:2379"';
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?';
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*\\.?$`);
const MAX_NAME_CHARS = 253;
/** What browsers take for an IPv4 address, however it is written: https://url.spec.whatwg.org/#ends-in-a-number-checker */
const ENDS_IN_A_NUMBER = /(?:^|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?$/;

function urlProblem(value: string): string | undefined {
  // Before anything else, for every other message shows the value.
  if (value.includes('@')) return 'must not hold a user or password; name a secret under "auth" instead';
  const strange = /[^!-~]/u.exec(value)?.[0];
  if (strange !== undefined) {
    return `must be plain ASCII without white space, and holds ${describeCharacter(strange)}; ${EXAMPLE}, a name in other letters as "xn--…"`;
  }
  const shown = `"${value}"`;
  const [, scheme = '', rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*:)\/\/([^/].*)$/.exec(value) ?? [];
  if (scheme === '') return `${shown} is not a URL; ${EXAMPLE}`;
  if (scheme !== 'http:' && scheme !== 'https:') {
    return `${shown} starts with "${scheme}"; etcd's URLs start with "http:" or "https:"`;
  }
  if (/[/?#\\]/.test(rest)) return `${shown} must end after the port, without a "/"`;
  const [, host = '', port] = /^(\[.*\]|[^:]*)(?::([0-9]*))?$/.exec(rest) ?? [];
  if (host === '')
    return `${shown} is not a host with a port; ${EXAMPLE}, an IPv6 address like "https://[fd00::11]:2379"`;
  if (!port) return `${shown} has no port; etcd's client port is usually 2379, its peer port 2380`;
  if (port.startsWith('0') || Number(port) > 65_535)
    return `${shown} must have a port from 1 to 65535, without zeros before it`;
  return isHost(host)
    ? undefined
    : `${shown} has a host that etcd and these functions would read differently. It must be a name of letters, digits, "-", "_" and "."; an IPv4 ` +
        'address of four decimal numbers; or an IPv6 address in "[]" without a zone';
}

function isHost(host: string): boolean {
  if (host.startsWith('[')) return /^\[[0-9A-Fa-f:.]+\]$/.test(host) && URL.canParse(`http://${host}`);
  if (!NAME.test(host) || host.length > MAX_NAME_CHARS) return false;
  // "127.1" is 127.0.0.1 to one reader, and a name to the other.
  return (
    !ENDS_IN_A_NUMBER.test(host) || (URL.canParse(`http://${host}`) && new URL(`http://${host}`).hostname === host)
  );
}

function describeCharacter(character: string): string {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  if (/\s/.test(character)) return `white space (${code})`;
  return /\p{C}/u.test(character) ? `a character that cannot be seen (${code})` : `"${character}" (${code})`;
}

/** To compare two of them: names are the same in capitals, addresses however they are written. Undefined for what is no URL of etcd's. */
export function comparableUrl(value: string): string | undefined {
  return urlProblem(value) === undefined ? new URL(value).origin : undefined;
}
