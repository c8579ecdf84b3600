/** Events about nodes, in upstream's words. @source pkg/controller/util/node/controller_utils.go, v1.35 */
import type { corev1 } from '../../api/index.ts';
import type { EventRecorder } from '../../client/index.ts';

function referenceTo({ metadata: { name, uid } }: corev1.Node): corev1.ObjectReference {
  return { apiVersion: 'v1', kind: 'Node', name, uid };
}

/** `Node n1 event: Registered Node n1 in Controller`. */
export function recordNodeEvent(
  recorder: EventRecorder,
  node: corev1.Node,
  event: { readonly reason: string; readonly message: string },
): void {
  recorder.event(referenceTo(node), {
    type: 'Normal',
    reason: event.reason,
    message: `Node ${node.metadata.name} event: ${event.message}`,
  });
}

/** `Node n1 status is now: NodeNotReady`. */
export function recordNodeStatus(recorder: EventRecorder, node: corev1.Node, status: string): void {
  recorder.event(referenceTo(node), { type: 'Normal', reason: status, message: `Node ${node.metadata.name} status is now: ${status}` });
}
