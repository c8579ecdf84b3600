/** All containers of a pod, of every list, with their paths. @source pkg/apis/core/pods/helpers.go VisitContainersWithPath, v1.35 */
import type { Container, EphemeralContainer, PodSpec } from '../../../gen/core-v1.ts';

export interface PlacedContainer {
  readonly container: Container | EphemeralContainer;
  /** Such as `spec.initContainers[0]`. */
  readonly path: string;
}

/** Init containers first, then regular, then ephemeral ones. */
export function allContainers(spec: PodSpec, path: string): PlacedContainer[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, i) => ({ container, path: `${path}.${list}[${i}]` })),
  );
}
