/** `knarr start`, which `npm start` runs: from nothing to an example that answers, each step said aloud. Running it again is quick and harmless. */
import { get } from 'node:http';
import { type appsv1, appsv1Resources, corev1Resources, type KubeObject } from '../../api/index.ts';
import { parseYamlDocuments } from '../../api/yaml/index.ts';
import { type Clock, systemClock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { ClusterError, findProgram, knarrHome } from '../../cluster/index.ts';
import { openAdminClient } from '../../cluster/admin/index.ts';
import { ensureHelloImage, helloManifest, installMissing, readHelloManifest, up } from '../../cluster/lifecycle/index.ts';
import { type CommandContext, defaultClusterName, enginesOf, requireCluster, type Subcommand, withName } from '../subcommand.ts';

const namespace = 'default';
const rolloutLimitMs = 300_000;
const fetchLimitMs = 30_000;
const wantedAnswers = 3;

export const startCommand: Subcommand = (command, context) => {
  withName(command).action(async ({ name }: { readonly name: string }) => {
    const home = knarrHome(context.env);
    const step = (line: string): void => context.say(`▸ ${line}`);
    step('looking for the container engine and its tools');
    await installMissing({ home, signal: context.signal, say: context.say });
    step(`starting cluster "${name}"`);
    const { record, paths, kubeconfig } = await up(
      { home, name, env: context.env, clock: systemClock, say: step, waitForAll: true },
      context,
    );
    step('building the example image, without a registry');
    await ensureHelloImage(enginesOf(requireCluster(name, context.env)), context);
    await using opened = openAdminClient(record, paths);
    step(`applying ${helloManifest}`);
    await applyAll(opened.api, readHelloManifest(), context);
    await untilRolledOut(opened.api, step, context);
    const service = await opened.api.get(corev1Resources.services, { namespace, name: 'hello' }, context);
    const nodePort = service.spec.ports?.[0]?.nodePort;
    await showAnswers(`http://${service.spec.clusterIP}/`, 'the Service', systemClock, context);
    await showAnswers(`http://${record.nodes[0]!.ip}:${nodePort}/`, `NodePort ${nodePort}`, systemClock, context);
    for (const line of nextSteps({
      name,
      kubeconfig: kubeconfig ?? paths.adminKubeconfig,
      hasKubectl: findProgram('kubectl', home) !== undefined,
    }))
      context.print(line);
  });
};

/** Server-side apply of every document. */
async function applyAll(api: Client, manifest: string, { signal }: CommandContext): Promise<void> {
  const resources = [corev1Resources.configmaps, appsv1Resources.deployments, corev1Resources.services];
  for (const document of parseYamlDocuments(manifest)) {
    // Our own example: its kinds are the ones above.
    const object = document as unknown as KubeObject;
    const resource = resources.find(({ kind }) => kind === object.kind);
    if (!resource) throw new ClusterError(`the example holds a ${object.kind}, which is not applied here`);
    const query = { fieldManager: 'knarr-start', force: true };
    await api.patch<KubeObject>(
      resource,
      { namespace, name: object.metadata.name },
      { type: 'application/apply-patch+yaml', body: document },
      { signal, query },
    );
  }
}

async function untilRolledOut(api: Client, step: (line: string) => void, { signal }: CommandContext): Promise<void> {
  const endMs = systemClock.monotonic() + rolloutLimitMs;
  let said = '';
  for (;;) {
    const deployment = await api.get(appsv1Resources.deployments, { namespace, name: 'hello' }, { signal });
    const line = rolloutLine(deployment);
    if (line !== said) step((said = line));
    if (isRolledOut(deployment)) return;
    if (systemClock.monotonic() > endMs) throw new ClusterError(`the rollout does not complete: ${line}; see: kubectl describe pods`);
    await systemClock.sleep(100, signal);
  }
}

function isRolledOut({ metadata, spec, status }: appsv1.Deployment): boolean {
  const wanted = spec.replicas ?? 1;
  return (
    status.observedGeneration === metadata.generation &&
    status.updatedReplicas === wanted &&
    status.availableReplicas === wanted &&
    status.replicas === wanted
  );
}

function rolloutLine({ spec, status }: appsv1.Deployment): string {
  return `waiting for the rollout: ${status.availableReplicas ?? 0} of ${spec.replicas ?? 1} replicas answer`;
}

/** Fetches a page until three different pods have answered (or time is up), and prints what they said. */
async function showAnswers(url: string, what: string, clock: Clock, context: CommandContext): Promise<void> {
  const answers = new Set<string>();
  const endMs = clock.monotonic() + fetchLimitMs;
  let fault: unknown;
  while (answers.size < wantedAnswers && clock.monotonic() < endMs) {
    try {
      answers.add((await fetchPage(url, context.signal)).trim());
    } catch (error) {
      // A rule may be a moment behind the rollout; the last fault is told when time is up.
      fault = error;
      context.signal.throwIfAborted();
      await clock.sleep(100, context.signal);
    }
  }
  if (answers.size === 0) throw new ClusterError(`${what} does not answer at ${url}: ${String(fault)}`);
  context.print(`${what} at ${url} answered:`);
  for (const answer of [...answers].toSorted()) context.print(`  ${answer}`);
}

const pageTimeoutMs = 2000;

/** One request on a connection of its own, so that each can reach another pod. */
function fetchPage(url: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal, timeout: pageTimeoutMs }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new ClusterError(`HTTP ${response.statusCode}`))));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new ClusterError('no answer in time')));
    request.on('error', reject);
  });
}

/** Commands that work on this very machine. Pure. */
export function nextSteps(facts: { readonly name: string; readonly kubeconfig: string; readonly hasKubectl: boolean }): string[] {
  const named = facts.name === defaultClusterName ? '' : ` --name ${facts.name}`;
  const kubectl = facts.hasKubectl ? 'kubectl' : `npx knarr kubectl${named}`;
  return [
    '',
    'Go on with:',
    ...(facts.hasKubectl ? [`  export KUBECONFIG=${facts.kubeconfig}`] : []),
    `  ${kubectl} get pods -o wide`,
    `  ${kubectl} describe service hello`,
    `  npx knarr status${named}`,
    `  npx knarr down${named}`,
  ];
}
