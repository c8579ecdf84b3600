/**
 * Which objects are related to which nodes: the pods on a node, and what those name, also by way of claims and volumes. Kept current
 * from the server's own cache, in revision order.
 * Invariant: mirror pods relate a node to nothing but themselves, so that a node cannot give itself rights.
 * @source plugin/pkg/auth/authorizer/node/graph.go, graph_populator.go, v1.35
 */
import {
  configMapNamesOf,
  type corev1,
  corev1Resources,
  type KubeObject,
  type ResourceRef,
  secretNamesOf,
  storagev1Resources,
} from '../../../api/index.ts';
import type { Registry } from '../../storage.ts';
import { volumeSecretsOf } from './volume-secrets.ts';

export type RelatedKind = 'pod' | 'secret' | 'configmap' | 'claim' | 'volume' | 'attachment' | 'serviceaccount';

const mirrorAnnotation = 'kubernetes.io/config.mirror';

export class NodeRelations implements Disposable {
  /** How many pods (or attachments) of each node name an object. */
  readonly #nodesOf = new Map<string, Map<string, number>>();
  /** What each pod relates to its node; attachments likewise. */
  readonly #holders = new Map<string, { readonly node: string; readonly uid: string; readonly keys: readonly string[] }>();
  readonly #claimOfVolume = new Map<string, string>();
  readonly #secretsOfVolume = new Map<string, readonly string[]>();
  readonly #volumesOfSecret = new Map<string, Set<string>>();
  readonly #observing: Disposable[] = [];

  constructor(registry: Pick<Registry, 'observe' | 'definition'>) {
    const observe = <T extends KubeObject>(
      resource: ResourceRef<T>,
      changed: (old: T | undefined, current: T | undefined) => void,
    ): void => {
      if (!registry.definition(resource.group, resource.version, resource.plural)) return;
      this.#observing.push(registry.observe(resource, ({ old, current }) => changed(old, current)));
    };
    observe(corev1Resources.pods, (old, current) => this.#podChanged(old, current));
    observe(corev1Resources.persistentvolumes, (old, current) => this.#volumeChanged(old, current));
    observe(storagev1Resources.volumeattachments, (old, current) => {
      const { name, uid } = (current ?? old)!.metadata;
      const key = keyOf('attachment', '', name);
      this.#hold(key, current && { node: current.spec.nodeName, uid, keys: [key] });
    });
  }

  [Symbol.dispose](): void {
    for (const observing of this.#observing) observing[Symbol.dispose]();
  }

  /** @param namespace empty for volumes and attachments */
  isRelated(node: string, kind: RelatedKind, namespace: string, name: string): boolean {
    if (kind === 'volume') return this.#isVolumeRelated(node, name);
    const key = keyOf(kind, namespace, name);
    if (this.#nodesOf.get(key)?.has(node)) return true;
    if (kind !== 'secret') return false;
    for (const volume of this.#volumesOfSecret.get(key) ?? []) if (this.#isVolumeRelated(node, volume)) return true;
    return false;
  }

  #isVolumeRelated(node: string, volume: string): boolean {
    const claim = this.#claimOfVolume.get(volume);
    return claim !== undefined && this.#nodesOf.get(claim)?.has(node) === true;
  }

  #podChanged(old: corev1.Pod | undefined, current: corev1.Pod | undefined): void {
    const { namespace = '', name } = (current ?? old)!.metadata;
    const key = keyOf('pod', namespace, name);
    if (!current?.spec.nodeName) return this.#hold(key, undefined);
    const { nodeName: node } = current.spec;
    const { uid } = current.metadata;
    const held = this.#holders.get(key);
    // What a pod names does not change once it has a node.
    if (held?.node === node && held.uid === uid) return;
    this.#hold(key, { node, uid, keys: [key, ...namedBy(current)] });
  }

  #volumeChanged(old: corev1.PersistentVolume | undefined, current: corev1.PersistentVolume | undefined): void {
    const { name } = (current ?? old)!.metadata;
    for (const secret of this.#secretsOfVolume.get(name) ?? []) {
      const volumes = this.#volumesOfSecret.get(secret);
      volumes?.delete(name);
      if (volumes?.size === 0) this.#volumesOfSecret.delete(secret);
    }
    this.#secretsOfVolume.delete(name);
    this.#claimOfVolume.delete(name);
    const claim = current?.spec?.claimRef;
    if (!current || !claim) return;
    this.#claimOfVolume.set(name, keyOf('claim', claim.namespace ?? '', claim.name ?? ''));
    const secrets = volumeSecretsOf(current).map((secret) => keyOf('secret', secret.namespace, secret.name));
    this.#secretsOfVolume.set(name, secrets);
    for (const secret of secrets) {
      const volumes = this.#volumesOfSecret.get(secret);
      if (volumes) volumes.add(name);
      else this.#volumesOfSecret.set(secret, new Set([name]));
    }
  }

  #hold(holder: string, held: { readonly node: string; readonly uid: string; readonly keys: readonly string[] } | undefined): void {
    const before = this.#holders.get(holder);
    for (const key of before?.keys ?? []) this.#count(key, before!.node, -1);
    if (held) this.#holders.set(holder, held);
    else this.#holders.delete(holder);
    for (const key of held?.keys ?? []) this.#count(key, held!.node, 1);
  }

  #count(key: string, node: string, difference: 1 | -1): void {
    const nodes = this.#nodesOf.get(key) ?? new Map<string, number>();
    const count = (nodes.get(node) ?? 0) + difference;
    if (count > 0) nodes.set(node, count);
    else nodes.delete(node);
    if (nodes.size > 0) this.#nodesOf.set(key, nodes);
    else this.#nodesOf.delete(key);
  }
}

function keyOf(kind: RelatedKind, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/** Everything that a pod names, as keys. */
function namedBy(pod: corev1.Pod): string[] {
  const { namespace = '', name, annotations } = pod.metadata;
  if (annotations?.[mirrorAnnotation] !== undefined) return [];
  const keys = (kind: RelatedKind, names: readonly string[]): string[] => names.map((one) => keyOf(kind, namespace, one));
  const claims = (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral ? [`${name}-${volume.name}`] : [];
  });
  return [
    ...keys('serviceaccount', pod.spec.serviceAccountName ? [pod.spec.serviceAccountName] : []),
    ...keys('secret', secretNamesOf(pod)),
    ...keys('configmap', configMapNamesOf(pod)),
    ...keys('claim', claims),
  ];
}
