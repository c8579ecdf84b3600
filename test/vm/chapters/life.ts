/** A cluster through a power cut, `down`, `up` and `delete`: what was acknowledged stays, what was made on the machine goes. */
import assert from 'node:assert/strict';
import type { Checks } from '../checks.ts';
import type { Machine } from '../machine.ts';
import { assertUnchanged, readTraces } from '../traces.ts';

const waitForPods =
  'kubectl wait --for=condition=Available deployment/hello --timeout=280s && kubectl wait --for=condition=Ready pod/guaranteed --timeout=100s';

export async function life(checks: Checks, machine: Machine): Promise<void> {
  checks.chapter('The life of a cluster');
  await machine.sh('kubectl delete pod greedy sick confined locked mounting --grace-period=0 --force --wait=false >/dev/null; sync');
  await machine.sh("kubectl create configmap acknowledged --from-literal=written='just before'");
  await machine.cutPower();
  await machine.boot();
  // The cut left the cluster's own mount point; `down` takes that away, too.
  const booted = new Set([...(await readTraces(machine))].filter((line) => line !== 'state: cni'));

  await checks.need('after a power cut `up` brings everything back that was acknowledged', async () => {
    await machine.sh('knarr up --wait', { seconds: 600 });
    assert.equal(await machine.sh("kubectl get configmap acknowledged -o jsonpath='{.data.written}'"), 'just before');
    await machine.sh(waitForPods, { seconds: 600 });
  });
  await checks.check('`down` leaves the machine as it was', async () => {
    await machine.sh('knarr down');
    assertUnchanged(booted, await readTraces(machine));
  });
  await checks.check('`up` again, and the example answers', async () => {
    await machine.sh('knarr up', { seconds: 600 });
    await machine.sh(waitForPods, { seconds: 600 });
    const ip = (await machine.sh("kubectl get service hello -o jsonpath='{.spec.clusterIP}'")).trim();
    await machine.until(`curl -sS --max-time 10 http://${ip}/ | grep 'Hello from'`, 120);
  });
  await checks.check('`delete` leaves the machine as it was, and no state', async () => {
    await machine.sh('knarr delete');
    assertUnchanged(booted, await readTraces(machine));
    assert.deepEqual((await machine.sh('ls -A /var/lib/knarr')).trim().split('\n'), ['cache']);
    assert.equal((await machine.sh('grep -c knarr /root/.kube/config || true')).trim(), '0');
  });
}
