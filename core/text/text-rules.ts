import * as z from 'zod';

/** What a value has to look like before it may be part of a script, on both ends: here, and as the document's `allowedPattern`. */
export interface TextRule {
  /** Anchored; without lookarounds and counted repetitions, for the SSM agent reads it too. */
  pattern: string;
  maxChars: number;
  /** For the message. */
  shape: string;
}

const PATH = '(/[.]?[A-Za-z0-9_-][A-Za-z0-9._@+=-]*)+';
const URL = 'https?://[A-Za-z0-9.:_\\[\\]-]+';
const MEMBER_URLS = `[A-Za-z0-9][A-Za-z0-9._-]*=${URL}`;

export const TEXT_RULES = {
  unit: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9:_.@-]*$',
    maxChars: 128,
    shape: 'a systemd unit such as "etcd" or "etcd@orders.service"',
  },
  path: {
    pattern: `^${PATH}$`,
    maxChars: 512,
    shape: 'an absolute path of letters, digits and "._@+=-", without ".."',
  },
  optionalPath: {
    pattern: `^(${PATH})?$`,
    maxChars: 512,
    shape: 'empty, or an absolute path of letters, digits and "._@+=-", without ".."',
  },
  account: {
    pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$',
    maxChars: 32,
    shape: 'the name of a user or group',
  },
  execution: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*$',
    maxChars: 80,
    shape: 'an execution\'s name of letters, digits, "-" and "_"',
  },
  initialCluster: {
    pattern: `^${MEMBER_URLS}(,${MEMBER_URLS})*$`,
    maxChars: 4096,
    shape: 'NAME=PEER_URL,NAME=PEER_URL...',
  },
  token: {
    pattern: '^([A-Za-z0-9_.][A-Za-z0-9_.-]*)?$',
    maxChars: 128,
    shape: 'empty, or a token of letters, digits and "_.-"',
  },
  memberName: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
    maxChars: 128,
    shape: "a member's name",
  },
  peerUrls: {
    pattern: `^${URL}(,${URL})*$`,
    maxChars: 1024,
    shape: 'URLs such as "https://10.0.1.11:2380", with commas between them',
  },
  number: {
    pattern: '^[0-9]+$',
    maxChars: 20,
    shape: 'a whole number in decimal digits',
  },
  optionalNumber: {
    pattern: '^[0-9]*$',
    maxChars: 20,
    shape: 'empty, or a whole number in decimal digits',
  },
  /** Of a cluster or a member, as etcd prints it. */
  optionalId: {
    pattern: '^[0-9a-f]*$',
    maxChars: 16,
    shape: 'empty, or an ID of etcd in lower-case hex digits',
  },
  sha256: {
    pattern: '^[0-9a-f]+$',
    maxChars: 64,
    shape: 'a SHA-256 in lower-case hex digits',
  },
  optionalSha256: {
    pattern: '^[0-9a-f]*$',
    maxChars: 64,
    shape: 'empty, or a SHA-256 in lower-case hex digits',
  },
  id: {
    pattern: '^[0-9a-f]+$',
    maxChars: 16,
    shape: 'an ID of etcd in lower-case hex digits',
  },
  metas: {
    pattern: '^[0-9a-f]*$',
    maxChars: 256,
    shape: 'empty, or two metas of a database in lower-case hex digits',
  },
  /** Anyone who knows it may use it until it expires. */
  presignedUrl: {
    pattern: `^(${URL}/[A-Za-z0-9._~/%-]+[?][A-Za-z0-9._~%&=-]+)?$`,
    maxChars: 8192,
    shape: 'empty, or a presigned URL',
  },
} as const satisfies Record<string, TextRule>;

/** Text that follows a rule. */
export function textSchema({ pattern, maxChars, shape }: TextRule): z.ZodString {
  return z
    .string()
    .max(maxChars, { error: `must be at most ${maxChars} characters` })
    .regex(new RegExp(pattern), { error: `must be ${shape}` });
}
