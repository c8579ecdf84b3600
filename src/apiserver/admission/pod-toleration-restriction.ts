/**
 * Pods of a namespace tolerate what its annotation, or the cluster's default, says, and nothing that its whitelist does not have.
 * @source kubernetes plugin/pkg/admission/podtolerationrestriction; pkg/util/tolerations, v1.35
 */
import { computePodQos, type corev1, corev1Resources, type Draft, internalError, notFound } from '../../api/index.ts';
import { deepEqual } from '../../api/json/index.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { ConfigurationReader } from './configuration-reader.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

type Toleration = corev1.Toleration;

export interface TolerationConfiguration {
  readonly default: readonly Toleration[];
  readonly whitelist: readonly Toleration[];
}

const { pods, namespaces } = corev1Resources;
const defaultsAnnotation = 'scheduler.alpha.kubernetes.io/defaultTolerations';
const whitelistAnnotation = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist';
const fields = ['key', 'operator', 'value', 'effect', 'tolerationSeconds'];

/** @throws RangeError naming the field that is wrong */
export function readTolerationConfiguration(value: unknown): TolerationConfiguration {
  const reader = new ConfigurationReader('admission plugin "PodTolerationRestriction"');
  const root = reader.object(value, '', ['apiVersion', 'kind', 'default', 'whitelist']);
  reader.kind(root, { kind: 'Configuration', versions: ['podtolerationrestriction.admission.k8s.io/v1alpha1'] });
  const read = (field: 'default' | 'whitelist'): Toleration[] =>
    // Its fields are compared as they are.
    reader.list(root[field], field).map((item, i) => reader.object(item, `${field}[${i}]`, fields) as unknown as Toleration);
  return { default: read('default'), whitelist: read('whitelist') };
}

export function podTolerationRestrictionPlugin(configuration: TolerationConfiguration = { default: [], whitelist: [] }): AdmissionPlugin {
  return {
    name: 'PodTolerationRestriction',
    handles: (resource, operation, subresource) =>
      isResource(resource, pods) && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '',
    mutate: (request, ctx) => {
      const { spec } = podOf(request);
      const added = [
        ...(request.operation === 'CREATE' ? (annotated(request, ctx, defaultsAnnotation) ?? configuration.default) : []),
        ...(computePodQos(spec) === 'BestEffort' ? [] : [memoryPressure]),
      ];
      if (added.length > 0) spec.tolerations = merged([...(spec.tolerations ?? []), ...added]).map((toleration) => ({ ...toleration }));
    },
    validate: (request, ctx) => {
      const tolerations = podOf(request).spec.tolerations ?? [];
      if (tolerations.length === 0) return;
      const own = annotated(request, ctx, whitelistAnnotation);
      const whitelist = own ?? configuration.whitelist;
      if (whitelist.length === 0 || tolerations.every((one) => whitelist.some((allowed) => isSuperset(allowed, one)))) return;
      const scope = own ? 'namespace' : 'cluster';
      throw refusal(request, `pod tolerations (possibly merged with namespace default tolerations) conflict with its ${scope} whitelist`);
    },
  };
}

/** Pods with requests stay where memory runs short. */
const memoryPressure: Toleration = { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' };

function podOf({ object }: AdmissionRequest): Draft<corev1.Pod> {
  // The plugin handles pods only.
  return object as Draft<corev1.Pod>;
}

/** Undefined when the namespace does not say. @throws ApiError when what it says cannot be read */
function annotated({ namespace: name }: AdmissionRequest, { registry }: AdmissionContext, key: string): readonly Toleration[] | undefined {
  const namespace = registry.cached(namespaces, { namespace: '', name });
  if (!namespace) throw notFound({ group: '', resource: 'namespaces', name });
  const text = namespace.metadata.annotations?.[key];
  if (text === undefined) return undefined;
  if (text === '') return [];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list as Toleration[];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw internalError(new Error(`annotation ${key} of namespace ${name} is no list of tolerations`));
}

/** Without those that another covers; of equal ones the first stays. */
function merged(all: readonly Toleration[]): Toleration[] {
  const kept: Toleration[] = [];
  for (const [i, toleration] of all.entries()) {
    if (kept.some((one) => isSuperset(one, toleration))) continue;
    if (all.slice(i + 1).some((later) => !deepEqual(later, toleration) && isSuperset(later, toleration))) continue;
    kept.push(toleration);
  }
  return kept;
}

/** Whether `wide` tolerates everything that `toleration` does. */
function isSuperset(wide: Toleration, toleration: Toleration): boolean {
  if (deepEqual(wide, toleration)) return true;
  const [key, wideKey] = [toleration.key ?? '', wide.key ?? ''];
  if (key !== wideKey && (wideKey !== '' || wide.operator !== 'Exists')) return false;
  if (wide.effect && wide.effect !== toleration.effect) return false;
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    if (toleration.tolerationSeconds === undefined || toleration.tolerationSeconds > wide.tolerationSeconds) return false;
  }
  if (wide.operator === 'Exists') return true;
  return (wide.operator ?? 'Equal') === 'Equal' && toleration.operator === 'Equal' && (toleration.value ?? '') === (wide.value ?? '');
}
