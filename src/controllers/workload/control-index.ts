/** Finding what a controller owns without looking at everything: by the uid of the controlling owner. */
import { controllerOf, type KubeObject } from '../../api/index.ts';
import type { Informer, Lister } from '../../client/index.ts';

const name = 'controllerUid';

/** Files objects under their controller's uid, and those without one under their namespace. */
export function indexByController<T extends KubeObject>(informer: Informer<T>): void {
  informer.addIndex(name, (object) => [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace)]);
}

/** What `owner` controls, and what nobody controls in its namespace. */
export function controlledOrOrphaned<T extends KubeObject>(lister: Lister<T>, owner: KubeObject): T[] {
  const { uid, namespace } = owner.metadata;
  return [...lister.byIndex(name, uid), ...lister.byIndex(name, orphansOf(namespace))];
}

export function controlledBy<T extends KubeObject>(lister: Lister<T>, uid: string): readonly T[] {
  return lister.byIndex(name, uid);
}

function orphansOf(namespace: string | undefined): string {
  return `orphans of ${namespace ?? ''}`;
}
