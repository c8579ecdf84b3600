/**
 * Binding: assigns a pod to a node, once and for all. Asked for at `pods/binding` and, by the oldest clients, by creating a
 * `bindings` object; nothing of that name is ever stored.
 * @source kubernetes pkg/registry/core/pod/storage/storage.go BindingREST
 */
import { badRequest, conflict, type corev1, corev1Resources, type Draft, invalid, setCondition } from '../../api/index.ts';
import { validateBinding } from '../../api/kinds/index.ts';
import { formatTime } from '../../base/index.ts';
import type { ApiServerHost, SubresourceHandler } from '../extension.ts';
import type { Operation, WriteOptions } from '../storage.ts';

type Pod = Draft<corev1.Pod>;
type Binding = Draft<corev1.Binding>;

export function podBindingHandler(host: ApiServerHost): SubresourceHandler {
  return async (_, target) => {
    // The decoder has checked the kind.
    const binding = (await target.decodeBody()) as Binding;
    const name = target.name || binding.metadata.name;
    if (name !== binding.metadata.name) throw badRequest('name in URL does not match name in Binding object');
    // However it is asked for, it is a change of a pod.
    const resource = host.registry.definition('', 'v1', 'pods') ?? target.resource;
    await host.admit({ operation: 'CREATE', subresource: 'binding', object: binding, ...target, resource, name });
    const errors = validateBinding(binding);
    if (errors.length > 0) throw invalid({ group: '', resource: 'Binding', name }, errors);
    await assign(host, { binding, namespace: target.namespace, options: target.options }, target.op);
    return { type: 'object', status: 201, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
  };
}

async function assign(
  { registry, clock }: ApiServerHost,
  { binding, namespace, options }: { readonly binding: Binding; readonly namespace: string; readonly options: WriteOptions },
  op: Operation,
): Promise<void> {
  const { name, uid, annotations, labels } = binding.metadata;
  const subject = { group: '', resource: 'pods/binding', name };
  const refuse = (why: string): never => {
    throw conflict(subject, why);
  };
  await registry.storage(corev1Resources.pods).guaranteedUpdate(
    { namespace, name },
    (pod: Pod) => {
      if (uid && uid !== pod.metadata.uid) {
        throw conflict(
          { ...subject, resource: 'pods' },
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
        );
      }
      if (pod.metadata.deletionTimestamp !== undefined) refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
      if (pod.spec.nodeName) refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
      if ((pod.spec.schedulingGates ?? []).length > 0) refuse(`pod ${name} has non-empty .spec.schedulingGates`);
      pod.spec.nodeName = binding.target.name!;
      if (annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
      if (labels) pod.metadata.labels = { ...pod.metadata.labels, ...labels };
      pod.status ??= {};
      pod.status.conditions = setCondition(pod.status.conditions, {
        type: 'PodScheduled',
        status: 'True',
        lastTransitionTime: formatTime(clock.now()),
        ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
      });
      delete pod.status.nominatedNodeName;
    },
    { ...options, subresource: 'binding' },
    op,
  );
}
