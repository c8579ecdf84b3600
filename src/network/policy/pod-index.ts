/**
 * All pods of the cluster that policies can see, by namespace, label and port name.
 * Invariant: an address belongs to one pod at most, so what one pod was allowed never passes to the next that has its address.
 */
import type { LabelMatcher } from '../../api/index.ts';
import type { PolicyPod } from './policy-pod.ts';
import { requiredLabel } from './selector-index.ts';

/** A pod before and after; undefined: it was not there, or is there no more. */
export interface PodChange {
  readonly before: PolicyPod | undefined;
  readonly after: PolicyPod | undefined;
}

interface Entry {
  /** As told. */
  readonly told: PolicyPod;
  /** With those addresses only that belong to it. */
  readonly pod: PolicyPod;
}

export class PodIndex {
  readonly #entries = new Map<string, Entry>();
  readonly #owners = new Map<string, string>();
  /** Namespace → every pod under '', and pods by `label=value`. */
  readonly #namespaces = new Map<string, Map<string, Map<string, PolicyPod>>>();
  readonly #portNames = new Map<string, Map<string, PolicyPod>>();

  get(uid: string): PolicyPod | undefined {
    return this.#entries.get(uid)?.pod;
  }

  /** @param takes its addresses are surely its own, whoever else claims them */
  set(told: PolicyPod, { takes = false } = {}): PodChange[] {
    const known = this.#entries.get(told.uid);
    const changes: PodChange[] = [];
    const ips = told.ips.filter((ip) => {
      const owner = this.#owners.get(ip);
      if (owner === undefined || owner === told.uid) return true;
      const other = this.#entries.get(owner)!;
      const isNews = !known?.told.ips.includes(ip);
      if (!takes && !(isNews && told.created >= other.pod.created)) return false;
      changes.push(this.#put(other.told, { ...other.pod, ips: other.pod.ips.filter((each) => each !== ip) }));
      return true;
    });
    changes.push(this.#put(told, ips.length === told.ips.length ? told : { ...told, ips }));
    return changes;
  }

  delete(uid: string): PodChange | undefined {
    const known = this.#entries.get(uid);
    if (!known) return undefined;
    this.#unfile(known.pod);
    this.#entries.delete(uid);
    return { before: known.pod, after: undefined };
  }

  /** Pods of a namespace that `matcher` selects. */
  *selected(namespace: string, matcher: LabelMatcher): Generator<PolicyPod> {
    const drawers = this.#namespaces.get(namespace);
    for (const pod of drawers?.get(requiredLabel(matcher) ?? '')?.values() ?? []) if (matcher.matches(pod.labels)) yield pod;
  }

  namespaces(): IterableIterator<string> {
    return this.#namespaces.keys();
  }

  withPortName(name: string): Iterable<PolicyPod> {
    return this.#portNames.get(name)?.values() ?? [];
  }

  #put(told: PolicyPod, pod: PolicyPod): PodChange {
    const before = this.#entries.get(pod.uid)?.pod;
    if (before) this.#unfile(before);
    this.#entries.set(pod.uid, { told, pod });
    for (const ip of pod.ips) this.#owners.set(ip, pod.uid);
    const drawers = this.#namespaces.get(pod.namespace) ?? new Map<string, Map<string, PolicyPod>>();
    this.#namespaces.set(pod.namespace, drawers);
    for (const label of labelsOf(pod)) file(drawers, label, pod);
    for (const { name } of pod.ports) file(this.#portNames, name, pod);
    return { before, after: pod };
  }

  #unfile(pod: PolicyPod): void {
    for (const ip of pod.ips) if (this.#owners.get(ip) === pod.uid) this.#owners.delete(ip);
    const drawers = this.#namespaces.get(pod.namespace);
    if (drawers) {
      for (const label of labelsOf(pod)) unfile(drawers, label, pod);
      if (drawers.size === 0) this.#namespaces.delete(pod.namespace);
    }
    for (const { name } of pod.ports) unfile(this.#portNames, name, pod);
  }
}

function labelsOf({ labels }: PolicyPod): string[] {
  return ['', ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)];
}

function file(drawers: Map<string, Map<string, PolicyPod>>, label: string, pod: PolicyPod): void {
  const drawer = drawers.get(label);
  if (drawer) drawer.set(pod.uid, pod);
  else drawers.set(label, new Map([[pod.uid, pod]]));
}

function unfile(drawers: Map<string, Map<string, PolicyPod>>, label: string, pod: PolicyPod): void {
  const drawer = drawers.get(label);
  drawer?.delete(pod.uid);
  if (drawer?.size === 0) drawers.delete(label);
}
