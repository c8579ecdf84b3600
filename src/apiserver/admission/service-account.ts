/**
 * Every pod runs as a ServiceAccount: the namespace's `default` when it names none, with its token, the cluster's CA and the
 * namespace mounted where client libraries look for them, and with its image pull secrets.
 * @source kubernetes plugin/pkg/admission/serviceaccount
 */
import { type corev1, corev1Resources, type Draft, secretNamesOf } from '../../api/index.ts';
import { type Clock, type Random, randomSuffix } from '../../base/index.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

type Pod = Draft<corev1.Pod>;

const { pods, serviceaccounts } = corev1Resources;
const tokenVolumePrefix = 'kube-api-access-';
const tokenMountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** An hour and a little: by the odd number the API server knows tokens that this plugin asked for. */
const tokenSeconds = 3607;
/** The `default` account comes a moment after its namespace. */
const defaultAccountAttempts = 10;

export function serviceAccountPlugin(options: { readonly clock: Clock; readonly random: Random }): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    handles: (resource, operation, subresource) => isResource(resource, pods) && operation === 'CREATE' && subresource === '',
    mutate: (request, ctx) => {
      // The plugin handles pods only.
      const pod = request.object as Pod;
      if (isMirror(pod)) return checkMirror(request, pod);
      pod.spec.serviceAccountName ||= 'default';
      pod.spec.serviceAccount = pod.spec.serviceAccountName;
      const account = findAccount(request, pod, ctx);
      if (account) return adopt(request, pod, account, options.random);
      return waitForAccount(request, pod, ctx, options).then((found) => adopt(request, pod, found, options.random));
    },
  };
}

function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

/** A picture of a pod that its node runs from a file: it may use nothing of the API. */
function checkMirror(request: AdmissionRequest, pod: Pod): void {
  if (pod.spec.serviceAccountName) throw refusal(request, 'a mirror pod may not reference service accounts');
  if (secretNamesOf(pod).length > 0) throw refusal(request, 'a mirror pod may not reference secrets');
  const usesToken = (pod.spec.volumes ?? []).some(({ projected }) => projected?.sources?.some((source) => source.serviceAccountToken));
  if (usesToken) throw refusal(request, 'a mirror pod may not use ServiceAccountToken volume projections');
}

function findAccount({ namespace }: AdmissionRequest, pod: Pod, { registry }: AdmissionContext): corev1.ServiceAccount | undefined {
  return registry.cached(serviceaccounts, { namespace, name: pod.spec.serviceAccountName! });
}

async function waitForAccount(
  request: AdmissionRequest,
  pod: Pod,
  ctx: AdmissionContext,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<corev1.ServiceAccount> {
  const name = pod.spec.serviceAccountName!;
  const attempts = name === 'default' ? defaultAccountAttempts : 1;
  const intervalMs = 100 + random.next() * 100;
  for (let attempt = 1; attempt < attempts; attempt++) {
    await clock.sleep(intervalMs, ctx.signal);
    const account = findAccount(request, pod, ctx);
    if (account) return account;
  }
  throw refusal(request, `error looking up service account ${request.namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`);
}

function adopt(request: AdmissionRequest, pod: Pod, account: corev1.ServiceAccount, random: Random): void {
  if (automounts(pod, account)) mountToken(pod, random);
  if ((pod.spec.imagePullSecrets ?? []).length === 0 && account.imagePullSecrets && account.imagePullSecrets.length > 0) {
    pod.spec.imagePullSecrets = account.imagePullSecrets.map((reference) => ({ ...reference }));
  }
  const problem = isTrue(account.metadata.annotations?.['kubernetes.io/enforce-mountable-secrets'])
    ? unmountableSecret(pod, account)
    : undefined;
  if (problem) throw refusal(request, problem);
}

/** The pod's word counts, then the account's. */
function automounts(pod: Pod, account: corev1.ServiceAccount): boolean {
  return pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

function mountToken(pod: Pod, random: Random): void {
  const existing = pod.spec.volumes?.find(({ name }) => name?.startsWith(tokenVolumePrefix));
  const volumeName = existing?.name ?? tokenVolumePrefix + randomSuffix(random);
  let isMounted = false;
  for (const container of [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])]) {
    // Whoever mounts something at that path wants it there.
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === tokenMountPath)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name: volumeName, readOnly: true, mountPath: tokenMountPath }];
    isMounted = true;
  }
  if (isMounted && !existing) pod.spec.volumes = [...(pod.spec.volumes ?? []), { name: volumeName, projected: tokenProjection() }];
}

function tokenProjection(): Draft<corev1.ProjectedVolumeSource> {
  return {
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
    defaultMode: 0o644,
  };
}

/** Go's strconv.ParseBool. */
function isTrue(text: string | undefined): boolean {
  return text !== undefined && ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text);
}

/** What an account that enforces its list of secrets has against a pod. */
function unmountableSecret(pod: Pod, account: corev1.ServiceAccount): string | undefined {
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name));
  const notListed = `is not allowed because service account ${account.metadata.name} does not reference that secret`;
  for (const { secret } of pod.spec.volumes ?? []) {
    if (secret && !mountable.has(secret.secretName)) return `volume with secret.secretName="${secret.secretName}" ${notListed}`;
  }
  for (const [kind, containers] of [
    ['init container', pod.spec.initContainers ?? []],
    ['container', pod.spec.containers ?? []],
  ] as const) {
    for (const container of containers) {
      for (const { name, valueFrom } of container.env ?? []) {
        const secret = valueFrom?.secretKeyRef?.name;
        if (secret !== undefined && !mountable.has(secret)) {
          return `${kind} ${container.name} with envVar ${name} referencing secret.secretName="${secret}" ${notListed}`;
        }
      }
      for (const { secretRef } of container.envFrom ?? []) {
        if (secretRef?.name !== undefined && !mountable.has(secretRef.name)) {
          return `${kind} ${container.name} with envFrom referencing secret.secretName="${secretRef.name}" ${notListed}`;
        }
      }
    }
  }
  const pullable = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  const index = (pod.spec.imagePullSecrets ?? []).findIndex(({ name }) => !pullable.has(name));
  if (index < 0) return undefined;
  const { name } = pod.spec.imagePullSecrets![index]!;
  return `imagePullSecrets[${index}].name="${name}" is not allowed because service account ${account.metadata.name} does not reference that imagePullSecret`;
}
