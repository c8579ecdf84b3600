/** A name below the cluster's domain, taken apart. Pure. */

export interface ClusterName {
  readonly kind: 'svc' | 'pod';
  readonly namespace: string | undefined;
  /** Of the Service, or the pod's address with dashes. */
  readonly name: string | undefined;
  readonly endpoint: string | undefined;
  readonly port: string | undefined;
  readonly protocol: string | undefined;
}

/**
 * `[_port._protocol.|endpoint.]name.namespace.svc`, or `address.namespace.pod`, or less of it from the left.
 * @returns undefined for what is of no such form
 */
export function parseClusterName(inner: string): ClusterName | undefined {
  const labels = inner.split('.');
  const kind = labels.pop();
  if (kind !== 'svc' && kind !== 'pod') return undefined;
  const namespace = labels.pop();
  const name = labels.pop();
  const left = { kind, namespace, name, endpoint: undefined, port: undefined, protocol: undefined } as const;
  const [first, second, ...more] = labels;
  if (more.length > 0) return undefined;
  if (first === undefined) return left;
  if (second === undefined) return { ...left, endpoint: first };
  return { ...left, port: first.replace(/^_/, ''), protocol: second.replace(/^_/, '') };
}
