/** A typed handle on a resource: enough to address it over any transport. The generated handles stand in `gen/resources.ts`. */
import type { KubeObject } from './object.ts';

declare const objectType: unique symbol;

export interface ResourceRef<T extends KubeObject = KubeObject> {
  /** API group; the empty string is the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The resource's name in paths, such as `pods`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Carries the object's type to the compiler; never set. */
  readonly [objectType]?: T;
}

/** `v1` for the core group, otherwise `group/version`. */
export function apiVersionOf(ref: { readonly group: string; readonly version: string }): string {
  return ref.group === '' ? ref.version : `${ref.group}/${ref.version}`;
}

/** The path of a collection or an object, such as `/apis/apps/v1/namespaces/x/deployments/y/scale`. */
export function resourcePath(
  ref: ResourceRef,
  target: { readonly namespace?: string; readonly name?: string; readonly subresource?: string } = {},
): string {
  const parts = [ref.group === '' ? '/api' : `/apis/${ref.group}`, ref.version];
  if (ref.namespaced && target.namespace !== undefined) parts.push('namespaces', encodeURIComponent(target.namespace));
  parts.push(ref.plural);
  if (target.name !== undefined) parts.push(encodeURIComponent(target.name));
  if (target.subresource !== undefined) parts.push(...target.subresource.split('/').map(encodeURIComponent));
  return parts.join('/');
}
