/**
 * The annotations by which nodes tell each other how their pods are reached: flannel's, so that whoever knows it finds what is looked for.
 * @source flannel pkg/subnet/kube/annotations.go and kube.go (names), pkg/backend/vxlan (contents), v0.26
 */
import type { IpFamily } from '../../api/index.ts';

const prefix = 'flannel.alpha.coreos.com';

export const annotationNames = {
  /** `true`: the node is one of the pod network. */
  managed: `${prefix}/kube-subnet-manager`,
  backendType: `${prefix}/backend-type`,
  backendData: { IPv4: `${prefix}/backend-data`, IPv6: `${prefix}/backend-v6-data` },
  publicIp: { IPv4: `${prefix}/public-ip`, IPv6: `${prefix}/public-ipv6` },
  /** What an administrator writes, in place of what the node would say. */
  publicIpOverwrite: { IPv4: `${prefix}/public-ip-overwrite`, IPv6: `${prefix}/public-ipv6-overwrite` },
} as const;

/** How a node is reached over one family; `data` is the backend's own. */
export interface Reach {
  readonly family: IpFamily;
  readonly publicIp: string;
  readonly data: BackendData;
}

/** A vxlan endpoint, or nothing (host-gw). */
export type BackendData = { readonly VNI: number; readonly VtepMAC: string } | null;

export type Annotations = Readonly<Record<string, string>>;

/** What a node says of itself. Families that it does not have are taken back (null, as a merge patch says it). Pure. */
export function publishedAnnotations(type: string, reaches: readonly Reach[]): Record<string, string | null> {
  const published: Record<string, string | null> = { [annotationNames.managed]: 'true', [annotationNames.backendType]: type };
  for (const family of ['IPv4', 'IPv6'] as const) {
    const reach = reaches.find((each) => each.family === family);
    published[annotationNames.backendData[family]] = reach ? JSON.stringify(reach.data) : null;
    published[annotationNames.publicIp[family]] = reach?.publicIp ?? null;
  }
  return published;
}

/** What differs from what the node has; undefined when nothing does. */
export function annotationChanges(has: Annotations | undefined, wanted: Readonly<Record<string, string | null>>) {
  const changes = Object.entries(wanted).filter(([name, value]) => (has?.[name] ?? null) !== value);
  return changes.length > 0 ? Object.fromEntries(changes) : undefined;
}
