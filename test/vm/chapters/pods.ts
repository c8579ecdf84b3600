/** Pods on cgroup v2 and with all capabilities, as a user and as the kernel see them. */
import assert from 'node:assert/strict';
import type { corev1 } from '../../../src/api/index.ts';
import type { Checks } from '../checks.ts';
import type { Machine } from '../machine.ts';
import { buildToolbox, outDirectory, pods as manifests, sharedDirectory } from '../manifests.ts';
import { nodeMounts } from './start.ts';

const kubepods = '/sys/fs/cgroup/knarr-knarr/node-1/kubepods';
const mib = 1024 * 1024;

export async function pods(checks: Checks, machine: Machine): Promise<void> {
  checks.chapter('Pods on cgroup v2');
  await checks.need('an image is built, and pods of every class start', async () => {
    await machine.sh(buildToolbox);
    await machine.sh('kubectl apply -f - && kubectl wait --for=condition=Ready pod/limited pod/guaranteed pod/mounting --timeout=280s', {
      input: manifests,
    });
  });
  const { items } = JSON.parse(await machine.sh('kubectl get pods -o json')) as { items: corev1.Pod[] };
  const find = (name: string): corev1.Pod => items.find(({ metadata }) => metadata.name === name)!;
  const podGroup = (name: string): string => {
    const { status, metadata } = find(name);
    const parents = { Guaranteed: '', Burstable: '/burstable', BestEffort: '/besteffort' } as Record<string, string>;
    return `${kubepods}${parents[status.qosClass!]}/pod${metadata.uid}`;
  };
  const containerGroup = (name: string): string =>
    `${podGroup(name)}/${find(name).status.containerStatuses![0]!.containerID!.replace('containerd://', '')}`;
  const read = async (directory: string, ...files: readonly string[]): Promise<Record<string, string>> => {
    const lines = (await machine.sh(`cd ${directory}; cat ${files.join(' ')}`)).trimEnd().split('\n');
    return Object.fromEntries(files.map((file, index) => [file, lines[index]!]));
  };

  await checks.check('limits stand in the groups of the pod and of its container', async () => {
    const limits = { 'memory.max': String(64 * mib), 'cpu.max': '50000 100000', 'cpu.weight': '10' };
    assert.deepEqual(await read(podGroup('limited'), ...Object.keys(limits), 'pids.max'), { ...limits, 'pids.max': 'max' });
    const ofContainer = { ...limits, 'memory.oom.group': '1', 'memory.swap.max': '0' };
    assert.deepEqual(await read(containerGroup('limited'), ...Object.keys(ofContainer)), ofContainer);
    assert.deepEqual(await read(podGroup('guaranteed'), 'memory.max', 'cpu.max'), {
      'memory.max': String(32 * mib),
      'cpu.max': '10000 100000',
    });
    assert.deepEqual(await read(podGroup('mounting'), 'memory.max', 'cpu.weight'), { 'memory.max': 'max', 'cpu.weight': '1' });
  });

  await checks.check('all pods together are held to what the node gives away', async () => {
    const allocatable = (await machine.sh("kubectl get node knarr-1 -o jsonpath='{.status.allocatable.memory}'")).trim();
    const bytes = Number.parseInt(allocatable, 10) * 1024;
    const { 'memory.max': max } = await read(kubepods, 'memory.max');
    // The kubelet keeps pods from what eviction reserves only on paper.
    assert.ok(Number(max) >= bytes && Number(max) - bytes <= 100 * mib, `memory.max ${max}, allocatable ${bytes}`);
  });

  await checks.check('the OOM killer is told who matters', async () => {
    const scoreOf = async (name: string): Promise<number> =>
      Number(await machine.sh(`cat /proc/$(head -n 1 ${containerGroup(name)}/cgroup.procs)/oom_score_adj`));
    const sandbox = await machine.sh(`for pid in $(pgrep -x pause); do cat /proc/$pid/oom_score_adj; done | sort -u`);
    assert.equal(sandbox.trim(), '-998');
    assert.equal(await scoreOf('guaranteed'), -997);
    assert.equal(await scoreOf('mounting'), 1000);
    const burstable = await scoreOf('limited');
    assert.ok(burstable > 900 && burstable < 1000, String(burstable));
  });

  await checks.check('exec, its standard input, and logs', async () => {
    const inside = await machine.sh('kubectl exec limited -- sh -c "cat /sys/fs/cgroup/memory.max /proc/self/cgroup"');
    assert.deepEqual(inside.trim().split('\n'), [String(64 * mib), '0::/']);
    const counted = await machine.sh('head -c 3000000 /dev/zero | kubectl exec -i limited -- wc -c');
    assert.equal(counted.trim(), '3000000');
    await machine.sh('code=0; kubectl exec limited -- sh -c "exit 7" || code=$?; [ $code = 7 ]');
    assert.equal(await machine.sh('kubectl logs limited'), 'begun\n');
  });

  await checks.check('a volume in memory has its size, and only the node knows it', async () => {
    const line = await machine.sh('kubectl exec limited -- grep " /memory " /proc/mounts');
    assert.match(line, /^tmpfs \/memory tmpfs .*\bsize=8192k\b/);
    await machine.sh("! grep -q 'empty-dir' /proc/self/mountinfo");
    assert.match(await machine.sh(`nsenter --mount=${nodeMounts} cat /proc/self/mountinfo`), /empty-dir\/memory/);
  });

  await checks.check('a privileged pod mounts for its node, not for the host', async () => {
    const inner = `${sharedDirectory}/inner`;
    await machine.sh(`nsenter --mount=${nodeMounts} grep -q ' ${inner} ' /proc/self/mountinfo`);
    await machine.sh(`! grep -q ' ${inner} ' /proc/self/mountinfo`);
  });

  await checks.check('who takes more memory than it may ends whole, OOMKilled', async () => {
    await machine.sh("kubectl wait --for=jsonpath='{.status.phase}'=Failed pod/greedy --timeout=200s");
    const state = await machine.sh(
      "kubectl get pod greedy -o jsonpath='{.status.containerStatuses[0].state.terminated.reason} {.status.containerStatuses[0].state.terminated.exitCode}'",
    );
    assert.equal(state, 'OOMKilled 137');
  });

  await checks.check('who fails its liveness probe is started again', async () => {
    await machine.until("[ $(kubectl get pod sick -o jsonpath='{.status.containerStatuses[0].restartCount}') -ge 1 ]");
    assert.match(await machine.sh('kubectl get events --field-selector involvedObject.name=sick'), /Unhealthy .*Liveness probe failed/);
  });

  await checks.check('a container has no more rights than it was given', async () => {
    await machine.sh("kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/locked --timeout=200s");
    const log = (await machine.sh('kubectl logs locked')).replaceAll('\t', ' ');
    for (const line of ['Uid: 1000 1000 1000 1000', 'CapEff: 0000000000000000', 'NoNewPrivs: 1', 'Seccomp: 2', 'read-only'])
      assert.ok(log.split('\n').includes(line), `no line "${line}" in:\n${log}`);
  });

  await checks.check('a pod that asks for AppArmor is refused, not run without', async () => {
    assert.equal((await machine.sh('cat /sys/module/apparmor/parameters/enabled')).trim(), 'Y');
    const status = await machine.sh("kubectl get pod confined -o jsonpath='{.status.phase} {.status.reason}'");
    assert.equal(status, 'Failed AppArmor');
  });

  await checks.check('a running container is resized in place', async () => {
    const resources = { requests: { cpu: '250m' }, limits: { cpu: '700m', memory: '80Mi' } };
    const patch = JSON.stringify({ spec: { containers: [{ name: 'main', resources }] } });
    await machine.sh(`kubectl patch pod limited --subresource resize -p '${patch}'`);
    await machine.until(`[ "$(cat ${containerGroup('limited')}/cpu.max)" = "70000 100000" ]`, 120);
    assert.deepEqual(await read(containerGroup('limited'), 'memory.max', 'memory.oom.group'), {
      'memory.max': String(80 * mib),
      'memory.oom.group': '1',
    });
    await machine.until(`[ "$(cat ${podGroup('limited')}/cpu.max)" = "70000 100000" ]`, 60);
  });

  await checks.check('systemd, reloading and starting units, takes no controller away', async () => {
    await machine.sh('systemctl daemon-reload; systemd-run --quiet --wait -p CPUWeight=50 -p MemoryMax=50M true; systemctl daemon-reexec');
    await machine.sh('systemd-run --quiet --wait true');
    assert.deepEqual(await read(containerGroup('limited'), 'cpu.max', 'memory.max'), {
      'cpu.max': '70000 100000',
      'memory.max': String(80 * mib),
    });
  });

  await checks.check('an agent that is killed comes back and finds its containers running', async () => {
    const record = '/var/lib/knarr/clusters/knarr/run/agent-1.json';
    const pidOf = `sed -E 's/.*"pid":([0-9]+).*/\\1/' ${record}`;
    const before = (await machine.sh(`cat ${containerGroup('limited')}/cgroup.procs; kill -9 $(${pidOf}) && ${pidOf}`)).trim().split('\n');
    await machine.until(`[ $(${pidOf}) != ${before.at(-1)} ] && kill -0 $(${pidOf})`, 120);
    await machine.until('kubectl exec limited -- true');
    const running = (await machine.sh(`cat ${containerGroup('limited')}/cgroup.procs`)).split('\n')[0];
    assert.equal(running, before[0]);
  });

  await checks.check('a pod that is deleted is asked first, and leaves nothing', async () => {
    const { uid } = find('limited').metadata;
    await machine.sh(`rm -f ${outDirectory}/ended; kubectl delete pod limited --timeout=100s`);
    assert.equal(await machine.sh(`cat ${outDirectory}/ended`), 'ended\n');
    await machine.until(`! ls -d ${kubepods}/*/pod${uid}`, 60);
    await machine.until(`! find /var/lib/knarr/clusters/knarr/nodes/1 -name '*${uid}*' | grep .`, 60);
  });
}
