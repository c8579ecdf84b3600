/** What stands on the machine, one line a thing, so that two moments can be compared: whatever Knarr leaves behind shows as a line more. */
import assert from 'node:assert/strict';
import type { Machine } from './machine.ts';

export type Traces = ReadonlySet<string>;

/** Systemd mounts and unmounts these by itself. */
const passing = String.raw`/run/credentials/|binfmt_misc`;

const script = String.raw`
list() { sed "s#^#$1: #"; }
cut -d' ' -f4- /proc/self/mountinfo | grep -Ev '${passing}' | list mount
ls -d /sys/fs/cgroup/*/ | list cgroup
ls /run | list /run
ls /var/lib /var/log | list state
ip -o link | cut -d: -f2 | cut -d@ -f1 | list link
ip route show table all | list route
ip rule | list rule
nft list ruleset | list nft
cat /proc/sys/net/ipv4/ip_forward | list ip_forward
# Not the kernel's own threads, which have no command line.
{ pgrep -a '^(containerd.*|runc|node.*|pause|knarr|busybox)$' || true; } | grep -v '\[' | list process
find /etc/systemd/system /run/systemd/system -type l | list enabled
systemctl list-units --no-legend --plain --all --type=service,mount,scope,slice --state=running,mounted,active | awk '{ print $1 }' |
  grep -Ev '${passing}|^proc-sys-fs|^run-credentials|^systemd-|-udevd|^user|^session' | list unit
systemctl list-units --no-legend --plain --state=failed | list failed
`;

export async function readTraces(machine: Machine): Promise<Traces> {
  return new Set((await machine.sh(script)).trim().split('\n'));
}

/** @throws AssertionError that shows what came and what went */
export function assertUnchanged(before: Traces, after: Traces, allowed: RegExp = /^$/): void {
  const came = [...after].filter((line) => !before.has(line) && !allowed.test(line));
  const went = [...before].filter((line) => !after.has(line) && !allowed.test(line));
  assert.deepEqual({ came, went }, { came: [], went: [] });
}
