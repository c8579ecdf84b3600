/**
 * Volumes that could still be given to a claim, by class, and within a class by the one node that reaches them: clusters with local disks
 * have many volumes and each node few. Built when a class is asked for, forgotten when one of its volumes changes.
 */
import { type corev1, storageClassNameOf } from '../../../api/index.ts';
import type { Informer } from '../../../client/index.ts';

type Volume = corev1.PersistentVolume;

interface ClassVolumes {
  readonly byHostname: ReadonlyMap<string, readonly Volume[]>;
  readonly others: readonly Volume[];
}

const hostnameLabel = 'kubernetes.io/hostname';
const index = 'may be bound, by class';
const none: readonly Volume[] = [];

export class FreeVolumes {
  readonly #volumes: Informer<Volume>;
  readonly #classes = new Map<string, ClassVolumes>();

  constructor(volumes: Informer<Volume>) {
    this.#volumes = volumes;
    volumes.addIndex(index, (volume) => (isTaken(volume) ? [] : [storageClassNameOf(volume)]));
    const forget = (volume: Volume): void => void this.#classes.delete(storageClassNameOf(volume));
    volumes.addHandler({
      added: forget,
      updated: (old, volume) => {
        forget(old);
        forget(volume);
      },
      deleted: forget,
    });
  }

  /** Those that a node may reach; whether it does is asked again by whoever takes one. */
  of(className: string, node: Pick<corev1.Node, 'metadata'>): readonly Volume[] {
    const { byHostname, others } = this.#classOf(className);
    const own = byHostname.get(node.metadata.labels?.[hostnameLabel] ?? '') ?? none;
    return own.length === 0 ? others : [...own, ...others];
  }

  #classOf(className: string): ClassVolumes {
    const known = this.#classes.get(className);
    if (known) return known;
    const byHostname = new Map<string, Volume[]>();
    const others: Volume[] = [];
    for (const volume of this.#volumes.byIndex(index, className)) {
      const hostnames = hostnamesOf(volume);
      if (!hostnames) others.push(volume);
      for (const hostname of hostnames ?? []) {
        const drawer = byHostname.get(hostname);
        if (drawer) drawer.push(volume);
        else byHostname.set(hostname, [volume]);
      }
    }
    const made = { byHostname, others };
    this.#classes.set(className, made);
    return made;
  }
}

function isTaken({ spec, status }: Volume): boolean {
  return Boolean(spec.claimRef?.uid) && status.phase === 'Bound';
}

/** The hostnames that a volume names as the only ones it can be reached from; undefined when it says something else. */
export function hostnamesOf({ spec }: Volume): readonly string[] | undefined {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const hostnames: string[] = [];
  for (const { matchExpressions = [] } of terms) {
    const named = matchExpressions.find(({ key, operator }) => key === hostnameLabel && operator === 'In');
    if (!named) return undefined;
    hostnames.push(...(named.values ?? []));
  }
  return hostnames;
}
