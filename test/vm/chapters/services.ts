/** Services, names and ports, on a kernel whose modules load when they are asked for. */
import assert from 'node:assert/strict';
import type { Checks } from '../checks.ts';
import type { Machine } from '../machine.ts';

export async function services(checks: Checks, machine: Machine): Promise<void> {
  checks.chapter('Services and names');
  const inPod = (script: string): Promise<string> => machine.sh(`kubectl exec guaranteed -- sh -c '${script}'`);

  await checks.check('names of Services are answered', async () => {
    const ip = (await machine.sh("kubectl get service hello -o jsonpath='{.spec.clusterIP}'")).trim();
    const answer = await inPod('nslookup hello.default.svc.cluster.local');
    assert.match(answer, new RegExp(`Address.*: ${ip.replaceAll('.', '\\.')}$`, 'm'));
  });
  await checks.check('a Service answers pods of the same node under its short name, every time', async () => {
    const answers = await inPod('for i in 1 2 3 4 5 6 7 8 9; do timeout 20 wget -qO- http://hello || echo lost; done');
    const lines = answers.trim().split('\n');
    assert.equal(lines.length, 9);
    for (const line of lines) assert.match(line, /^Hello from hello-/);
  });
  await checks.check('it answers its own pods, also when they reach themselves', async () => {
    const answers = await machine.sh(
      "kubectl exec deploy/hello -- sh -c 'for i in 1 2 3 4 5 6 7 8 9; do timeout 20 wget -qO- http://hello || echo lost; done'",
    );
    assert.doesNotMatch(answers, /lost/);
  });
  await checks.check('the API answers pods', async () => {
    await inPod('timeout 20 nc kubernetes.default 443 < /dev/null');
  });
  await checks.check('a host port leads to its pod', async () => {
    assert.equal(await machine.sh('curl -sS --max-time 30 http://10.200.0.11:8081/'), 'from a host port\n');
  });
}
