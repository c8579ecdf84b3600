/**
 * The files of configMap, secret, downward API and projected volumes: what the spec selects from objects, as bytes and modes. Pure
 * but for the objects it asks for; it writes nothing.
 * @source pkg/volume/{configmap,secret,downwardapi,projected} (v1.35)
 */
import { type corev1, isApiError } from '../../api/index.ts';
import { metadataField, type ReferencedObjects, resourceField } from '../environment/index.ts';
import { VolumeError } from '../seams.ts';
import type { FileContent, Payload } from './atomic-writer.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';

export interface PayloadSources {
  readonly pod: corev1.Pod;
  readonly objects: ReferencedObjects;
  readonly tokens: ServiceAccountTokens;
  readonly nodeAllocatable: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** The mode of files when the API server filled in none. */
const usualMode = 0o644;

/** Bytes by key. */
type Data = ReadonlyMap<string, Buffer>;

interface Selection {
  readonly items?: readonly corev1.KeyToPath[];
  readonly optional?: boolean;
  readonly defaultMode: number;
}

export async function configMapPayload(source: corev1.ConfigMapVolumeSource, from: PayloadSources): Promise<Payload> {
  const data = await configMapData(source.name ?? '', source.optional ?? false, from);
  return select(data, { ...source, defaultMode: source.defaultMode ?? usualMode }, 'configmap references non-existent config key');
}

export async function secretPayload(source: corev1.SecretVolumeSource, from: PayloadSources): Promise<Payload> {
  const data = await secretData(source.secretName ?? '', source.optional ?? false, from);
  return select(data, { ...source, defaultMode: source.defaultMode ?? usualMode }, 'references non-existent secret key');
}

export function downwardPayload(source: corev1.DownwardAPIVolumeSource, { pod, nodeAllocatable }: PayloadSources): Payload {
  const files = new Map<string, FileContent>();
  for (const { path, mode, fieldRef, resourceFieldRef } of source.items ?? []) {
    const text = fieldRef
      ? metadataField(pod, fieldRef.fieldPath)
      : resourceFieldRef
        ? resourceField(resourceFieldRef, { pod, nodeAllocatable })
        : '';
    files.set(path, { data: Buffer.from(text), mode: mode ?? source.defaultMode ?? usualMode });
  }
  return files;
}

/** All sources in one volume. A failure names every source that failed. */
export async function projectedPayload(source: corev1.ProjectedVolumeSource, from: PayloadSources): Promise<Payload> {
  const defaultMode = source.defaultMode ?? usualMode;
  const files = new Map<string, FileContent>();
  const failures: string[] = [];
  for (const projection of source.sources ?? []) {
    try {
      for (const [path, content] of await projectionPayload(projection, defaultMode, from)) files.set(path, content);
    } catch (error) {
      from.signal.throwIfAborted();
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (failures.length > 0) throw new VolumeError(failures.length === 1 ? failures[0] : `[${[...new Set(failures)].join(', ')}]`);
  return files;
}

async function projectionPayload(projection: corev1.VolumeProjection, defaultMode: number, from: PayloadSources): Promise<Payload> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = projection;
  if (configMap) return configMapPayload({ ...configMap, defaultMode }, from);
  if (secret) {
    const data = await secretData(secret.name ?? '', secret.optional ?? false, from);
    return select(data, { ...secret, defaultMode }, 'references non-existent secret key');
  }
  if (downwardAPI) return downwardPayload({ ...downwardAPI, defaultMode }, from);
  if (serviceAccountToken) return tokenPayload(serviceAccountToken, defaultMode, from);
  // GAP(projected-cluster-trust-bundle)
  if (projection.clusterTrustBundle) throw new VolumeError('projected volume source clusterTrustBundle is not supported');
  // GAP(projected-pod-certificate)
  if (projection.podCertificate) throw new VolumeError('projected volume source podCertificate is not supported');
  return new Map();
}

async function tokenPayload(
  { audience, expirationSeconds, path }: corev1.ServiceAccountTokenProjection,
  defaultMode: number,
  { pod, tokens, signal }: PayloadSources,
): Promise<Payload> {
  const request = { audiences: audience ? [audience] : [], expirationSeconds: expirationSeconds ?? 3600 };
  const token = await tokens.get(pod, request, signal);
  const uid = commonUser(pod);
  // A token belongs to one user, or through the group's ownership to one group.
  const mode = uid !== undefined || pod.spec.securityContext?.fsGroup !== undefined ? 0o600 : defaultMode;
  return new Map([[path, { data: Buffer.from(token), mode, ...(uid !== undefined && { uid }) }]]);
}

/** The one user that all containers run as, when the spec says so. */
function commonUser(pod: corev1.Pod): number | undefined {
  const users = new Set(
    [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])].map(
      ({ securityContext }) => securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser,
    ),
  );
  return users.size === 1 ? [...users][0] : undefined;
}

async function configMapData(name: string, optional: boolean, { pod, objects, signal }: PayloadSources): Promise<Data> {
  const key = { namespace: pod.metadata.namespace ?? '', name };
  const found = await orNothing(optional, () => objects.configMap(key, signal));
  return new Map([...entries(found?.data, 'utf8'), ...entries(found?.binaryData, 'base64')]);
}

async function secretData(name: string, optional: boolean, { pod, objects, signal }: PayloadSources): Promise<Data> {
  const key = { namespace: pod.metadata.namespace ?? '', name };
  const found = await orNothing(optional, () => objects.secret(key, signal));
  return new Map(entries(found?.data, 'base64'));
}

async function orNothing<T>(optional: boolean, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (optional && isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

function entries(map: Readonly<Record<string, string>> | undefined, encoding: BufferEncoding): [string, Buffer][] {
  return Object.keys(map ?? {}).map((key) => [key, Buffer.from(map![key]!, encoding)]);
}

function select(data: Data, { items, optional, defaultMode }: Selection, missing: string): Payload {
  if (!items || items.length === 0) return new Map([...data].map(([key, bytes]) => [key, { data: bytes, mode: defaultMode }]));
  const files = new Map<string, FileContent>();
  for (const { key, path, mode } of items) {
    const bytes = data.get(key);
    if (bytes) files.set(path, { data: bytes, mode: mode ?? defaultMode });
    else if (!optional) throw new VolumeError(`${missing}: ${key}`);
  }
  return files;
}
