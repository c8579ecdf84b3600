/** Who a controller is: the ServiceAccount whose rights it has, and the name under which its events are shown. */
import type { ControllerContext } from '../client/index.ts';

/** The context with a recorder that speaks as `component`: `kubectl describe` shows it. */
export function speakingAs(context: ControllerContext, component: string): ControllerContext {
  const recorder = context.recorder.as?.(component);
  return recorder ? { ...context, recorder } : context;
}

/**
 * The context of somebody who acts as, and tells events as, the controller's own ServiceAccount.
 * @source cmd/kube-controller-manager/app (client names), v1.35
 */
export function actingAs(context: ControllerContext, account: string): ControllerContext {
  const own = context.accountOf?.(account);
  return own ? { ...context, ...own } : context;
}
