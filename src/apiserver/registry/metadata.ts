/**
 * What the server does to the metadata of every object that is written, whatever its kind: system fields, generated names,
 * namespace, generation, deletion marks.
 * @source apiserver pkg/registry/rest create.go, update.go, meta.go
 */
import { badRequest, type Draft, type KubeObject, type ResourceDefinition } from '../../api/index.ts';
import { deepEqual } from '../../api/json/index.ts';
import { type Random, randomSuffix } from '../../base/index.ts';

type DraftMeta = Draft<KubeObject>['metadata'];

/** Longest generated name without its suffix. @source apiserver pkg/storage/names */
const maxGeneratedBase = 58;

/** Drops what only the server may say. */
export function wipeSystemFields(metadata: DraftMeta): void {
  const fields = metadata as Partial<DraftMeta>;
  delete fields.uid;
  delete fields.creationTimestamp;
  delete fields.deletionTimestamp;
  delete fields.deletionGracePeriodSeconds;
  delete fields.selfLink;
}

export function fillSystemFields(metadata: DraftMeta, system: { readonly uid: string; readonly now: string }): void {
  metadata.uid = system.uid;
  metadata.creationTimestamp = system.now;
}

/** Names an object that has only a prefix, anew on every call. */
export function generateName(generateName: string, random: Random): string {
  return generateName.slice(0, maxGeneratedBase) + randomSuffix(random);
}

/**
 * Sets the namespace of the request on an object that has none.
 * @throws ApiError BadRequest when it has another one
 */
export function matchNamespace(definition: ResourceDefinition, metadata: DraftMeta, namespace: string): void {
  if (!definition.namespaced) {
    // Upstream refuses a namespace here only when the request names one too.
    if (metadata.namespace) delete (metadata as Partial<DraftMeta>).namespace;
    return;
  }
  if (!metadata.namespace) metadata.namespace = namespace;
  else if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/**
 * Fills in the name of the request, or checks it.
 * @throws ApiError BadRequest when they differ
 */
export function matchName(metadata: DraftMeta, name: string): void {
  if (!metadata.name) metadata.name = name;
  else if (metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
}

/** Carries over what an update cannot change. Runs after the kind's own preparation. */
export function keepSystemFields(metadata: DraftMeta, old: KubeObject['metadata']): void {
  if (!metadata.uid) metadata.uid = old.uid;
  metadata.creationTimestamp = old.creationTimestamp;
  if (old.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.deletionTimestamp;
  else delete (metadata as Partial<DraftMeta>).deletionTimestamp;
  if (old.deletionGracePeriodSeconds !== undefined) metadata.deletionGracePeriodSeconds ??= old.deletionGracePeriodSeconds;
  else delete (metadata as Partial<DraftMeta>).deletionGracePeriodSeconds;
}

/**
 * Kinds that count the generations of what is wanted, with the field that says it. Which kinds do is upstream's habit, kind by kind.
 * @source each kind's strategy.go, PrepareForCreate
 */
const generationFields: Readonly<Record<string, readonly string[]>> = {
  pods: ['spec'],
  podtemplates: ['template'],
  replicationcontrollers: ['spec'],
  'deployments.apps': ['spec'],
  'replicasets.apps': ['spec'],
  'statefulsets.apps': ['spec'],
  'daemonsets.apps': ['spec'],
  'jobs.batch': ['spec'],
  'cronjobs.batch': ['spec'],
  'ingresses.networking.k8s.io': ['spec'],
  'ingressclasses.networking.k8s.io': ['spec'],
  'networkpolicies.networking.k8s.io': ['spec'],
  'poddisruptionbudgets.policy': ['spec'],
  'priorityclasses.scheduling.k8s.io': [],
  'endpointslices.discovery.k8s.io': ['addressType', 'endpoints', 'ports'],
  'csidrivers.storage.k8s.io': ['spec'],
  'customresourcedefinitions.apiextensions.k8s.io': ['spec'],
  'flowschemas.flowcontrol.apiserver.k8s.io': ['spec'],
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': ['spec'],
  'validatingwebhookconfigurations.admissionregistration.k8s.io': ['webhooks'],
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': ['webhooks'],
  'validatingadmissionpolicies.admissionregistration.k8s.io': ['spec'],
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': ['spec'],
};

/** Kinds that begin to count with the first change. */
const countedFromChange: ReadonlySet<string> = new Set(['csidrivers.storage.k8s.io']);
/** Kinds whose labels count as well. */
const countedLabels: ReadonlySet<string> = new Set(['endpointslices.discovery.k8s.io']);

function nameOf({ group, plural }: ResourceDefinition): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function generationFieldsOf(definition: ResourceDefinition): readonly string[] | undefined {
  const name = nameOf(definition);
  return Object.hasOwn(generationFields, name) ? generationFields[name] : undefined;
}

export function setFirstGeneration(definition: ResourceDefinition, metadata: DraftMeta): void {
  if (generationFieldsOf(definition) && !countedFromChange.has(nameOf(definition))) metadata.generation = 1;
}

/** Counts a new generation when what is wanted changed; nobody else may set it. Runs after the kind's own preparation. */
export function nextGeneration(definition: ResourceDefinition, draft: Draft<KubeObject>, old: KubeObject): void {
  const before = old.metadata.generation;
  const fields = generationFieldsOf(definition);
  if (before === undefined) delete (draft.metadata as Partial<DraftMeta>).generation;
  else draft.metadata.generation = before;
  if (!fields) return;
  const [now, then]: [object, object] = [draft, old];
  const isRelabelled = countedLabels.has(nameOf(definition)) && !deepEqual(draft.metadata.labels ?? {}, old.metadata.labels ?? {});
  if (isRelabelled || fields.some((field) => !deepEqual(Reflect.get(now, field), Reflect.get(then, field))))
    draft.metadata.generation = (before ?? 0) + 1;
}
