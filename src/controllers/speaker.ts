/** Events carry the name of the controller that speaks: `kubectl describe` shows it. */
import type { ControllerContext } from '../client/index.ts';

/** The context with a recorder that speaks as `component`. */
export function speakingAs(context: ControllerContext, component: string): ControllerContext {
  const recorder = context.recorder.as?.(component);
  return recorder ? { ...context, recorder } : context;
}
