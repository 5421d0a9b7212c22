import { describe, expect, it } from 'vitest';
import { prefixesOf, printable } from '../../../core/space-reclaim/key-prefixes.ts';

describe('the prefixes of a key', () => {
  it.each<[string, string, string[]]>([
    ['end with a slash, and none is the whole key', '/a/b/c', ['/', '/a/', '/a/b/']],
    ['are none without a slash', 'compact_rev_key', []],
    ['are none of a key that only ends with one', 'a/', []],
    ['are those of a key that begins with no slash', 'a/b', ['a/']],
    ['are eight at most', 'a/a/a/a/a/a/a/a/a/a', Array.from({ length: 8 }, (_, at) => 'a/'.repeat(at + 1))],
    ['of Kubernetes end with the resource', '/registry/pods/default/web-1', ['/', '/registry/', '/registry/pods/']],
    ['also of what is in no namespace', '/registry/minions/node-1', ['/', '/registry/', '/registry/minions/']],
    [
      'of a custom resource end behind its group',
      '/registry/cilium.io/ciliumnodes/node-1',
      ['/', '/registry/', '/registry/cilium.io/', '/registry/cilium.io/ciliumnodes/'],
    ],
    [
      'of services end with which of their two folders it is',
      '/registry/services/endpoints/default/web',
      ['/', '/registry/', '/registry/services/', '/registry/services/endpoints/'],
    ],
    ['of what is beside all resources end before it', '/registry/health', ['/', '/registry/']],
    [
      'of OpenShift end with the resource',
      '/kubernetes.io/secrets/a/b',
      ['/', '/kubernetes.io/', '/kubernetes.io/secrets/'],
    ],
  ])('%s', (_, key, prefixes) => {
    expect(prefixesOf(key)).toEqual(prefixes);
  });
});

describe('a key, for a terminal,', () => {
  const latin1 = (...bytes: number[]) => String.fromCharCode(...bytes);
  it.each<[string, string, string]>([
    ['is what it is', '/registry/pods/', '/registry/pods/'],
    ['is read as UTF-8', latin1(...new TextEncoder().encode('/größe/')), '/größe/'],
    ['is escaped where it is no UTF-8', latin1(0x2f, 0xff, 0x61), '/\\xffa'],
    ['has no control characters', latin1(0x61, 0x00, 0x1b, 0x5b, 0x0a), 'a\\x00\\x1b[\\x0a'],
    ['has nothing that turns text round', latin1(...new TextEncoder().encode('a\u202eb')), 'a\\xe2\\x80\\xaeb'],
    ['shows a backslash as two', 'a\\x00', 'a\\\\x00'],
    ['is cut off', 'x'.repeat(300), `${'x'.repeat(119)}…`],
  ])('%s', (_, bytes, shown) => {
    expect(printable(bytes)).toBe(shown);
  });
});
