/** Reads what a server serves from its aggregated discovery documents. */
import type { JsonObject, ResourceRef } from '../../api/index.ts';
import type { Discovery, ServedResource } from '../transport.ts';

/** The part of an APIGroupDiscoveryList that is used. @source KEP-3352 */
interface GroupDiscoveryList {
  readonly kind?: string;
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly freshness?: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind?: string };
        readonly scope?: string;
        readonly verbs?: readonly string[];
      }[];
    }[];
  }[];
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** @param get fetches a path with an Accept header */
export async function discoverOver(get: (path: string, accept: string) => Promise<JsonObject>): Promise<Discovery> {
  // The Accept header asks for this shape.
  const lists = (await Promise.all([get('/api', accept), get('/apis', accept)])) as GroupDiscoveryList[];
  const resources: ServedResource[] = [];
  const failures: { groupVersion: string; message: string }[] = [];
  for (const { metadata, versions = [] } of lists.flatMap(({ items = [] }) => items)) {
    const group = metadata?.name ?? '';
    versions.forEach(({ version, freshness, resources: served = [] }, index) => {
      if (freshness === 'Stale')
        failures.push({ groupVersion: `${group}/${version}`, message: `stale GroupVersion discovery: ${group}/${version}` });
      for (const { resource, responseKind, scope, verbs = [] } of served) {
        const ref: ResourceRef = { group, version, kind: responseKind?.kind ?? '', plural: resource, namespaced: scope === 'Namespaced' };
        resources.push({ ref, verbs, preferred: index === 0 });
      }
    });
  }
  return { resources, failures };
}
