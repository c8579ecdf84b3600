/** Which Ingresses this controller acts on: those of its classes, by the field or by the annotation that came before it. Pure. */
import type { networkingv1 } from '../api/index.ts';

/** `spec.controller` of the classes that are ours. */
export const controllerName = 'knarr.io/ingress';
/** The class that is made when the controller is turned on. */
export const className = 'knarr';
const classAnnotation = 'kubernetes.io/ingress.class';

type Ingress = networkingv1.Ingress;

export function ownClassNames(classes: readonly networkingv1.IngressClass[]): ReadonlySet<string> {
  return new Set(classes.filter(({ spec }) => spec.controller === controllerName).map(({ metadata }) => metadata.name));
}

/** The class that an Ingress names; the annotation counts where both are given, as upstream's controllers take it. */
export function classOf({ metadata, spec }: Ingress): string | undefined {
  return metadata.annotations?.[classAnnotation] ?? spec.ingressClassName;
}

/** Those of our classes, the oldest first: whoever came first keeps what it has. Objects that are being deleted count until they are gone. */
export function ownIngresses(ingresses: readonly Ingress[], classes: ReadonlySet<string>): Ingress[] {
  return ingresses.filter((ingress) => classes.has(classOf(ingress) ?? '')).toSorted(byAge);
}

function byAge({ metadata: a }: Ingress, { metadata: b }: Ingress): number {
  return (
    compare(a.creationTimestamp ?? '', b.creationTimestamp ?? '') ||
    compare(a.namespace ?? '', b.namespace ?? '') ||
    compare(a.name, b.name)
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
