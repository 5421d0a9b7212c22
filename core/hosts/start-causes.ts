import type { HostInspection } from './host-command-results.ts';

/**
 * Causes on a host that would stop a new member there too, read from the state of its unit, its ports and its log. A cause that an empty data dir
 * cures (a damaged log, a removed member) is not one of them.
 */

type Seen = Pick<HostInspection, 'unit' | 'log' | 'errors' | 'atWork' | 'dataDir'>;

interface Cause {
  pattern: RegExp;
  /** What it is, and what to do. */
  meaning: string;
}

/** Of the error that etcd has ended with. */
const FATAL: readonly Cause[] = [
  {
    pattern: /cannot assign requested address/,
    meaning:
      'etcd is configured to listen at an address that this host does not have: correct its listen-client-urls or listen-peer-urls',
  },
  {
    pattern: /read-only file system/i,
    meaning:
      'a file system that etcd writes to is read-only: see why (dmesg, mount), repair it, and mount it for writing',
  },
  { pattern: /no space left on device|disk quota exceeded/i, meaning: 'a disk that etcd writes to is full: make room' },
  {
    pattern: /incompatible with current running cluster|invalid downgrade|cannot be downgraded/,
    meaning: "this release of etcd is not one that the cluster takes: install the other members' release",
  },
  {
    pattern:
      /private key does not match|failed to find any PEM|x509: malformed|asn1:|tls: (failed to (find|parse)|found)/,
    meaning: 'a certificate or key that etcd is configured with cannot be used: put the right file there',
  },
  {
    pattern: /failed to verify flags|error verifying flags|error unmarshaling|flag provided but not defined/,
    meaning: 'etcd does not understand its configuration: correct it',
  },
];

/** Of a process that runs, and talks to its peers in vain. The other side's word comes first: it says what is wrong with ours. */
const CERTIFICATES: readonly Cause[] = [
  {
    pattern: /remote error: tls: expired certificate/,
    meaning:
      'its peers refuse its peer certificate, which has expired or is not valid yet: renew it, and look at the clocks',
  },
  {
    pattern: /remote error: tls: (unknown certificate authority|unknown certificate)/,
    meaning: 'its peers refuse its peer certificate, which another CA has signed: put one of their CA there',
  },
  {
    pattern:
      /remote error: tls: (bad|revoked|unsupported) certificate|remote error: tls: (certificate required|handshake failure)/,
    meaning:
      'its peers refuse its peer certificate: see whether it has expired, is for other names or addresses, or is of another CA',
  },
  {
    pattern: /x509: certificate has expired or is not yet valid: current time \S+ is before/,
    meaning: "its peers' certificates are not valid yet by its clock: set the clock",
  },
  {
    pattern: /x509: certificate has expired or is not yet valid/,
    meaning: "it refuses its peers' certificates as expired: see whether its clock is right, and renew them if it is",
  },
  {
    pattern: /x509: certificate signed by unknown authority/,
    meaning:
      "it refuses its peers' certificates, which a CA has signed that it does not trust: correct its peer-trusted-ca-file",
  },
  {
    pattern: /x509: certificate is (valid for|not valid for)|x509: cannot validate certificate/,
    meaning: "it refuses its peers' certificates, which are for other names or addresses: correct them",
  },
];

const PORT_TAKEN =
  'another process listens at a port of etcd: find it (ss -ltnp) and end it, or see whether etcd runs there as another unit';
const IN_USE = /address already in use/;
/** Of a process that has ended nothing newer is known. */
const IF_DONE = '. Where that is done already, start its service once: what its log says is over then';
/** A file that is missing or closed; in the data dir it is the member's own. */
const CLOSED_FILE = /open (\/?[^\s"]+): (no such file or directory|permission denied)/;
const FATAL_LINE =
  /"level":"(fatal|panic)"|^(panic|fatal error):|^\S+ \S+ C \||failed to verify flags|error verifying flags/;

/** A line each: what it is, what to do, and the line of the log that says so. Empty where a new member may do better. */
export function startCauses(inspection: Seen, neededBytes: number): string[] {
  const { unit, log, atWork } = inspection;
  const end = lastEnd(inspection);
  const listens = atWork.clientPortListens === true || atWork.peerPortListens === true;
  // What systemd starts again at any moment may be at its ports by the time that these are looked at.
  const isOthers = unit.mainPid === 0 && unit.activeState !== 'activating';
  if (isOthers && listens) return [withLogLine(PORT_TAKEN, IN_USE.test(end) ? end : '')];
  // What the log reports may be over by now: a port is looked at, and so is the room on the disk.
  if (IN_USE.test(end)) return listens ? [withLogLine(PORT_TAKEN, end)] : [];
  const fatal = FATAL.find(({ pattern }) => pattern.test(end));
  if (fatal && !(isOfRoom(fatal) && isRoomAgain(inspection, neededBytes)))
    return [withLogLine(fatal.meaning + IF_DONE, end)];
  const closed = CLOSED_FILE.exec(end);
  if (closed && !isOwn(closed[1] as string, inspection)) {
    return [
      withLogLine(
        `etcd cannot read ${closed[1]}, which it is configured with: put it there, and let etcd's user read it${IF_DONE}`,
        end,
      ),
    ];
  }
  if (end !== '' || unit.mainPid === 0 || atWork.answer === 'leader') return [];
  // What a client of etcd is refused for says nothing of the peers.
  const lines = log.filter((line) => !line.includes('on client endpoint')).toReversed();
  const found = CERTIFICATES.map(({ pattern, meaning }) => ({
    meaning,
    line: lines.find((line) => pattern.test(line)),
  })).find(({ line }) => line !== undefined);
  return found ? [withLogLine(found.meaning, found.line as string)] : [];
}

/** The error that etcd has ended with last, with what follows it; empty where it has not ended with one since it last served clients. */
function lastEnd({ errors }: Pick<Seen, 'errors'>): string {
  const at = errors.findLastIndex((line) => FATAL_LINE.test(line) && !line.startsWith('panic:'));
  return at < 0 ? errors.filter((line) => FATAL_LINE.test(line)).join('\n') : errors.slice(at).join('\n');
}

function isOfRoom({ pattern }: Cause): boolean {
  return pattern.test('no space left on device');
}

function isRoomAgain({ dataDir: { freeBytes } }: Pick<Seen, 'dataDir'>, neededBytes: number): boolean {
  return freeBytes >= neededBytes;
}

function isOwn(path: string, { dataDir }: Pick<Seen, 'dataDir'>): boolean {
  return [dataDir.path, dataDir.realPath].some((folder) => path.startsWith(`${folder}/`));
}

function withLogLine(meaning: string, line: string): string {
  const message = wordsIn(line);
  return message === '' ? meaning : `${meaning}. Its log says: ${message}`;
}

/** What a line of etcd's log says, without what its logger puts around it. */
export function wordsIn(line: string): string {
  const message = /"error":"([^"]*)"/.exec(line)?.[1] ?? /"msg":"([^"]*)"/.exec(line)?.[1] ?? line.split('\n')[0] ?? '';
  return message.slice(0, 200);
}
