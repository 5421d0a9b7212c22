import { type HostedMember, UNIT } from './hosted-member.ts';

/** The members that are damaged, and a way to run a script on the host of each. */
interface HostedMembers {
  member(name: string): HostedMember;
  run(name: string, script: string): Promise<string>;
}

/** How a member's log is damaged: no release of etcd starts with any of these, and none is repaired. */
export type LogDamage = 'garbled' | 'truncated' | 'zeroed';

const LOG_DAMAGES: Readonly<Record<LogDamage, string>> = {
  // Behind the header, in the first records: a checksum does not match.
  garbled: `printf 'the disk has lost this' | dd of="$log" bs=1 seek=64 conv=notrunc 2> /dev/null`,
  // A log that is cut off later is taken for one whose last write was torn: etcd cuts it back further and starts without what is missing.
  truncated: ': > "$log"',
  // As a file may be whose data was not written yet when the power failed.
  zeroed: 'head -c 65536 /dev/zero > "$log"',
};

/**
 * Ends members all at once, as a power failure does, and keeps systemd from starting them again: that is left to the remediation.
 * @returns once none of their processes is left
 */
export async function crashMembers(cluster: HostedMembers, names: readonly string[]): Promise<void> {
  const onEach = (script: (member: HostedMember) => string) =>
    Promise.all(names.map((name) => cluster.run(name, script(cluster.member(name)))));
  // Two steps, so that what takes its time is done when the first of them ends.
  await onEach(
    ({ host }) => `set -eu
    mkdir -p '${host.unitDir}/${UNIT}.service.d'
    printf '[Service]\\nRestart=no\\n' > '${host.unitDir}/${UNIT}.service.d/crash.conf'
    systemctl daemon-reload`,
  );
  await onEach(() => `systemctl kill -s SIGKILL ${UNIT}`);
  await onEach(
    ({ host }) => `set -eu
    tries=0
    while [ "$(systemctl show -p ActiveState ${UNIT})" = ActiveState=active ]; do
      tries=$((tries + 1)); [ $tries -lt 200 ] || exit 1; sleep 0.05
    done
    rm '${host.unitDir}/${UNIT}.service.d/crash.conf'
    systemctl daemon-reload`,
  );
}

/** Damages the log of a member that was crashed. @returns once its service has failed to start */
export async function damageLog(cluster: HostedMembers, name: string, damage: LogDamage): Promise<void> {
  await cluster.run(
    name,
    `set -eu
    for log in '${walDirOf(cluster.member(name))}'/*.wal; do
      ${LOG_DAMAGES[damage]}
    done
    systemctl reset-failed ${UNIT}
    if systemctl start ${UNIT} 2> /dev/null; then echo 'the member started all the same' >&2; exit 1; fi`,
  );
}

/** Removes the data of a member that was crashed. Its folders are gone as well, as where a disk was replaced. */
export async function wipeData(cluster: HostedMembers, name: string): Promise<void> {
  const { host, walDir } = cluster.member(name);
  await cluster.run(name, `rm -rf '${host.layout.dataDir}' ${walDir === null ? '' : `'${walDir}'`}`);
}

/**
 * Changes bytes of a value in the database of a member, as a disk does that keeps other bits than it was given: in each page that holds
 * them, live or not. etcd keeps no checksum of a value, so the member starts, and serves it. Of this length the value has to be found
 * nowhere else.
 * @returns once it runs again
 */
export async function changeValue(cluster: HostedMembers, name: string, value: string): Promise<void> {
  const { host } = cluster.member(name);
  await cluster.run(
    name,
    `set -eu
    db='${host.layout.dataDir}/member/snap/db'
    # Stopped as it should be, it has written all that it knows.
    systemctl stop ${UNIT}
    export LC_ALL=C
    grep -aqF '${value}' "$db"
    sed 's/${value}/${changed(value)}/g' "$db" > "$db.changed"
    cat "$db.changed" > "$db"
    rm "$db.changed"
    systemctl start ${UNIT}`,
  );
}

/** As long, and not the same. */
function changed(value: string): string {
  return value.split('').reverse().join('').toUpperCase();
}

function walDirOf({ host, walDir }: HostedMember): string {
  return walDir ?? `${host.layout.dataDir}/member/wal`;
}
