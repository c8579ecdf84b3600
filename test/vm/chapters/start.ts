/** `npm start` on a machine with systemd: from nothing to an example that answers, and what the host sees of it. */
import assert from 'node:assert/strict';
import type { Checks } from '../checks.ts';
import type { Machine } from '../machine.ts';

/** The pin of the first node's mount namespace. */
export const nodeMounts = '/var/lib/knarr/clusters/knarr/run/ns/1.mnt';
const stick = '/mnt/stick';

export async function start(checks: Checks, machine: Machine): Promise<void> {
  checks.chapter('`npm start` on a machine with systemd');
  // Shared mounts are what systemd makes of every machine.
  await machine.sh(`mkdir -p ${stick} && mount -t tmpfs stick ${stick}`);

  await checks.need('three pods answer behind the Service and behind its NodePort', async () => {
    const said = await machine.sh('cd /opt/share/knarr && KNARR_NO_INSTALL=1 sh bin/start', { seconds: 600 });
    const answers = [...said.matchAll(/^ {2}Hello from (hello-\S+)$/gm)].map((match) => match[1]!);
    assert.equal(new Set(answers).size, 3, said);
    assert.match(said, /^the Service at http:\/\/10\.96\./m);
    assert.match(said, /^NodePort \d+ at /m);
  });

  await checks.check("the node's mounts stay its own; the host's come and go in it", async () => {
    const mounts = (await machine.sh("cut -d' ' -f5 /proc/self/mountinfo")).trim().split('\n');
    const leaked = mounts.filter((path) => /overlay|\/rootfs|\/shm$|kubelet|containerd/.test(path) && path !== '/dev/shm');
    assert.deepEqual(leaked, []);
    const ofNode = (pattern: string): string => `nsenter --mount=${nodeMounts} grep -c '${pattern}' /proc/self/mountinfo || true`;
    assert.equal((await machine.sh(ofNode(` ${stick} `))).trim(), '1');
    await machine.sh(`umount ${stick} && rmdir ${stick}`);
    assert.equal((await machine.sh(ofNode(` ${stick} `))).trim(), '0');
  });

  await checks.check("br_netfilter is loaded for the node, and switched off for the host's bridges", async () => {
    const values = await machine.sh(`cat /proc/sys/net/bridge/bridge-nf-call-iptables
nsenter --net=/run/netns/knarr-knarr-1 cat /proc/sys/net/bridge/bridge-nf-call-iptables`);
    assert.deepEqual(values.trim().split('\n'), ['0', '1']);
  });

  await checks.check('what keeps the cluster alive is the last that the OOM killer takes', async () => {
    const scores = await machine.sh(`cd /sys/fs/cgroup/knarr-knarr
for pid in $(cat control-plane/cgroup.procs node-1/system/cgroup.procs); do
  echo "$(cat /proc/$pid/comm) $(cat /proc/$pid/oom_score_adj)"
done | sort -u`);
    assert.deepEqual(scores.trim().split('\n'), [
      'containerd -999',
      'containerd-shim -998',
      'node-MainThread -997',
      'node-MainThread -999',
    ]);
  });
}
