/**
 * Which of a port's endpoints traffic may use from this node: for the policy Cluster (with hints of topology) and for the policy Local, each
 * falling back to endpoints that end but still serve. Pure. @source kube-proxy v1.35, pkg/proxy/topology.go
 */
import type { Endpoint } from './endpoint-list.ts';

/** Where this node stands; what hints are compared with. */
export interface NodePlace {
  readonly nodeName: string;
  /** The node's label `topology.kubernetes.io/zone`; undefined without one. */
  readonly zone: string | undefined;
}

/** What traffic may use, by policy. */
export interface EndpointChoice {
  /** Under the policy Cluster. */
  readonly cluster: readonly Endpoint[];
  /** Under the policy Local: only endpoints of this node, whatever hints say. */
  readonly local: readonly Endpoint[];
  /** There is one that can be used somewhere in the cluster, so packets that find none here are dropped and not refused. */
  readonly any: boolean;
}

export function chooseEndpoints(endpoints: readonly Endpoint[], place: NodePlace): EndpointChoice {
  const ready = endpoints.filter((each) => each.ready);
  const ending = endpoints.filter((each) => !each.ready && each.serving && each.terminating);
  const isLocal = (each: Endpoint): boolean => each.local;
  const readyLocal = ready.filter(isLocal);
  return {
    cluster: ready.length > 0 ? hinted(ready, place) : ending,
    local: readyLocal.length > 0 ? readyLocal : ending.filter(isLocal),
    any: ready.length > 0 || ending.length > 0,
  };
}

/**
 * The endpoints that their hints give to this node, else to its zone. Hints count only when every ready endpoint has one and one of them
 * names us; otherwise all are used, since hints half written (or of another time) must not leave a node without endpoints.
 */
function hinted(ready: readonly Endpoint[], { nodeName, zone }: NodePlace): readonly Endpoint[] {
  if (ready.every(({ forNodes }) => forNodes.length > 0)) {
    const mine = ready.filter(({ forNodes }) => forNodes.includes(nodeName));
    if (mine.length > 0) return mine;
  }
  if (zone !== undefined && ready.every(({ forZones }) => forZones.length > 0)) {
    const mine = ready.filter(({ forZones }) => forZones.includes(zone));
    if (mine.length > 0) return mine;
  }
  return ready;
}
