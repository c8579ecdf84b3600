/**
 * Every pod has a priority: that of the class it names, else of the class marked as default, else zero. At most one class is the
 * default.
 * @source kubernetes plugin/pkg/admission/priority
 */
import { type corev1, corev1Resources, type Draft, type schedulingv1, schedulingv1Resources } from '../../api/index.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { Registry } from '../storage.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

type Pod = Draft<corev1.Pod>;
type PriorityClass = schedulingv1.PriorityClass;

const { priorityclasses } = schedulingv1Resources;

export const priorityPlugin: AdmissionPlugin = {
  name: 'Priority',
  handles: (resource, operation, subresource) =>
    (isResource(resource, corev1Resources.pods) || isResource(resource, priorityclasses)) &&
    (operation === 'CREATE' || operation === 'UPDATE') &&
    subresource === '',
  mutate: (request, ctx) => {
    if (!isResource(request.resource, corev1Resources.pods)) return;
    // The resource says so.
    const pod = request.object as Pod;
    if (request.operation === 'CREATE') return setPriority(request, pod, ctx);
    // A client that never saw the two fields does not clear them.
    const { spec: old } = request.oldObject as corev1.Pod;
    if (pod.spec.priority === undefined && old.priority !== undefined) pod.spec.priority = old.priority;
    if (pod.spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined) pod.spec.preemptionPolicy = old.preemptionPolicy;
  },
  validate: (request, { registry }) => {
    if (!isResource(request.resource, priorityclasses)) return;
    const priorityClass = request.object as Draft<PriorityClass>;
    if (priorityClass.globalDefault !== true) return;
    const other = defaultClass(registry);
    if (other && (request.operation === 'CREATE' || other.metadata.name !== priorityClass.metadata.name)) {
      throw refusal(request, `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`);
    }
  },
};

function setPriority(request: AdmissionRequest, pod: Pod, { registry }: AdmissionContext): void {
  const { spec } = pod;
  const named = spec.priorityClassName ? registry.cached(priorityclasses, { namespace: '', name: spec.priorityClassName }) : undefined;
  if (spec.priorityClassName && !named) throw refusal(request, `no PriorityClass with name ${spec.priorityClassName} was found`);
  const found = named ?? defaultClass(registry);
  const priority = found?.value ?? 0;
  if (spec.priority !== undefined && spec.priority !== priority) {
    throw refusal(
      request,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
    );
  }
  // Validation of classes knows these two only.
  const preemptionPolicy = (found?.preemptionPolicy ?? 'PreemptLowerPriority') as NonNullable<typeof spec.preemptionPolicy>;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
    throw refusal(
      request,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
    );
  }
  if (found) spec.priorityClassName = found.metadata.name;
  spec.priority = priority;
  spec.preemptionPolicy = preemptionPolicy;
}

/** The lowest of those marked as default: two can be when they were created at once. */
function defaultClass(registry: Registry): PriorityClass | undefined {
  return registry
    .cachedList(priorityclasses)
    .filter(({ globalDefault }) => globalDefault === true)
    .toSorted((a, b) => a.value - b.value)[0];
}
