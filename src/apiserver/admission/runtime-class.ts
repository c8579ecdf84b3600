/**
 * What a pod's RuntimeClass costs and where it can run is written into the pod, and cannot be claimed without the class.
 * @source kubernetes plugin/pkg/admission/runtimeclass
 */
import { type corev1, corev1Resources, type Draft, type nodev1, nodev1Resources, parseQuantity } from '../../api/index.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

type Pod = Draft<corev1.Pod>;
type Overhead = Readonly<Record<string, string | number>>;

export const runtimeClassPlugin: AdmissionPlugin = {
  name: 'RuntimeClass',
  handles: (resource, operation, subresource) => isResource(resource, corev1Resources.pods) && operation === 'CREATE' && subresource === '',
  mutate: (request, ctx) => {
    const pod = request.object as Pod;
    const runtimeClass = classOf(request, pod, ctx);
    if (!runtimeClass) return;
    const podFixed = runtimeClass.overhead?.podFixed;
    if (runtimeClass.overhead) {
      if (pod.spec.overhead && !sameOverhead(podFixed, pod.spec.overhead)) throw mismatch(request);
      if (podFixed) pod.spec.overhead = { ...podFixed };
    }
    if (runtimeClass.scheduling) addScheduling(request, pod, runtimeClass.scheduling);
  },
  validate: (request, ctx) => {
    const pod = request.object as Pod;
    const overhead = classOf(request, pod, ctx)?.overhead;
    if (overhead) {
      if (!sameOverhead(overhead.podFixed, pod.spec.overhead)) throw mismatch(request);
    } else if (pod.spec.overhead) {
      throw refusal(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
    }
  },
};

function classOf(request: AdmissionRequest, pod: Pod, { registry }: AdmissionContext): nodev1.RuntimeClass | undefined {
  const name = pod.spec.runtimeClassName;
  if (name === undefined) return undefined;
  const found = registry.cached(nodev1Resources.runtimeclasses, { namespace: '', name });
  if (!found) throw refusal(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  return found;
}

function mismatch(request: AdmissionRequest): Error {
  return refusal(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
}

/** Equal as amounts: `1000m` is `1`. */
function sameOverhead(a: Overhead | undefined, b: Overhead | undefined): boolean {
  const [left, right] = [a ?? {}, b ?? {}];
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => right[name] !== undefined && parseQuantity(left[name]!).compare(parseQuantity(right[name])) === 0)
  );
}

function addScheduling(request: AdmissionRequest, { spec }: Pod, { nodeSelector, tolerations }: nodev1.Scheduling): void {
  for (const [key, value] of Object.entries(nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      throw refusal(request, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`);
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  const own = spec.tolerations ?? [];
  const added = (tolerations ?? []).filter((toleration) => !own.some((one) => sameToleration(one, toleration)));
  if (added.length > 0) spec.tolerations = [...own, ...added.map((toleration) => ({ ...toleration }))];
}

function sameToleration(a: corev1.Toleration, b: corev1.Toleration): boolean {
  return (
    (a.key ?? '') === (b.key ?? '') &&
    (a.operator ?? 'Equal') === (b.operator ?? 'Equal') &&
    (a.value ?? '') === (b.value ?? '') &&
    (a.effect ?? '') === (b.effect ?? '') &&
    a.tolerationSeconds === b.tolerationSeconds
  );
}
