/**
 * What the server serves, as the documents that clients discover it by: the legacy lists, one request a group and version, and the
 * aggregated list, everything at once. Built from the resource table and from nothing else, so what is discovered is what is served.
 * Pure.
 * @source apiserver pkg/endpoints/discovery, pkg/endpoints/installer.go; KEP-3352 (aggregated discovery)
 */
import { createHash } from 'node:crypto';
import { apiVersionOf, type JsonObject, type ResourceDefinition, type SubresourceDefinition } from '../../api/index.ts';
import { compareGroups, compareVersions } from './group-priorities.ts';

/** One group with its versions in the order of preference, and the resources of each by name. */
interface Group {
  readonly name: string;
  readonly versions: readonly { readonly version: string; readonly resources: readonly ResourceDefinition[] }[];
}

export class ApiIndex {
  readonly #groups: readonly Group[];

  constructor(definitions: readonly ResourceDefinition[]) {
    this.#groups = groupsOf(definitions);
  }

  /** `/api` @param serverAddress host and port under which clients reach the server */
  legacyVersions(serverAddress: string): JsonObject {
    const core = this.#groups.find(({ name }) => name === '');
    return {
      kind: 'APIVersions',
      versions: core?.versions.map(({ version }) => version) ?? [],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
    };
  }

  /** `/apis` */
  groupList(): JsonObject {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: this.#named().map(groupEntry) };
  }

  /** `/apis/<group>`; undefined when there is no such group. */
  group(name: string): JsonObject | undefined {
    const group = this.#named().find((candidate) => candidate.name === name);
    return group && { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) };
  }

  /** `/api/v1` (the empty group) or `/apis/<group>/<version>`; undefined when it is not served. */
  resourceList(group: string, version: string): JsonObject | undefined {
    const served = this.#groups.find(({ name }) => name === group)?.versions.find((candidate) => candidate.version === version);
    return (
      served && {
        kind: 'APIResourceList',
        // The core group's list has never said its apiVersion.
        ...(group !== '' && { apiVersion: 'v1' }),
        groupVersion: apiVersionOf({ group, version }),
        resources: served.resources.flatMap(resourceEntries),
      }
    );
  }

  /** The aggregated document of `/api` (the core group) or `/apis` (all others). */
  aggregated(which: 'core' | 'named', version: 'v2' | 'v2beta1'): JsonObject {
    const groups = which === 'core' ? this.#groups.filter(({ name }) => name === '') : this.#named();
    return {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items: groups.map((group) => ({
        metadata: group.name === '' ? {} : { name: group.name },
        versions: group.versions.map(({ version: served, resources }) => ({
          version: served,
          resources: resources.map(aggregatedEntry),
          freshness: 'Current',
        })),
      })),
    };
  }

  /** The paths of all lists, such as `/apis/apps` and `/apis/apps/v1`. */
  paths(): string[] {
    return this.#groups.flatMap(({ name, versions }) => {
      const root = name === '' ? '/api' : `/apis/${name}`;
      return [root, ...versions.map(({ version }) => `${root}/${version}`)];
    });
  }

  #named(): readonly Group[] {
    return this.#groups.filter(({ name }) => name !== '');
  }
}

function groupsOf(definitions: readonly ResourceDefinition[]): Group[] {
  const byGroup = Map.groupBy(definitions, ({ group }) => group);
  return [...byGroup.keys()].sort(compareGroups).map((name) => {
    const byVersion = Map.groupBy(byGroup.get(name)!, ({ version }) => version);
    const versions = [...byVersion.keys()].sort(compareVersions).map((version) => ({
      version,
      resources: byVersion.get(version)!.toSorted((a, b) => (a.plural < b.plural ? -1 : 1)),
    }));
    return { name, versions };
  });
}

function groupEntry({ name, versions }: Group): JsonObject {
  const entries = versions.map(({ version }) => ({ groupVersion: apiVersionOf({ group: name, version }), version }));
  return { name, versions: entries, preferredVersion: entries[0]! };
}

function resourceEntries(resource: ResourceDefinition): JsonObject[] {
  const own: JsonObject = {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: sortedVerbs(resource.verbs),
    ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
    ...(resource.categories.length > 0 && { categories: resource.categories }),
    ...(isStored(resource) && { storageVersionHash: storageVersionHash(resource) }),
  };
  return [own, ...sortedSubresources(resource).map((subresource) => subresourceEntry(resource, subresource))];
}

function subresourceEntry(resource: ResourceDefinition, { name, kind, verbs }: SubresourceDefinition): JsonObject {
  return {
    name: `${resource.plural}/${name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...(kind && !isSameVersion(kind, resource) && { group: kind.group, version: kind.version }),
    kind: kind?.kind ?? resource.kind,
    verbs: sortedVerbs(verbs),
  };
}

function aggregatedEntry(resource: ResourceDefinition): JsonObject {
  return {
    resource: resource.plural,
    responseKind: { group: '', version: '', kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: sortedVerbs(resource.verbs),
    ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
    ...(resource.categories.length > 0 && { categories: resource.categories }),
    ...(resource.subresources.length > 0 && {
      subresources: sortedSubresources(resource).map(({ name, kind, verbs }) => ({
        subresource: name,
        // Empty group and version mean those of the list the entry stands in.
        responseKind:
          kind && !isSameVersion(kind, resource)
            ? { group: kind.group, version: kind.version, kind: kind.kind }
            : { group: '', version: '', kind: kind?.kind ?? resource.kind },
        verbs: sortedVerbs(verbs),
      })),
    }),
  };
}

function isSameVersion(
  a: { readonly group: string; readonly version: string },
  b: { readonly group: string; readonly version: string },
): boolean {
  return a.group === b.group && a.version === b.version;
}

/** Reviews and bindings are answered and kept nowhere. */
function isStored({ verbs, computed }: ResourceDefinition): boolean {
  return verbs.includes('get') && computed !== true;
}

function sortedVerbs(verbs: readonly string[]): string[] {
  return verbs.toSorted();
}

function sortedSubresources({ subresources }: ResourceDefinition): SubresourceDefinition[] {
  return subresources.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Changes when the stored form does. @source apiserver pkg/endpoints/discovery/storageversionhash.go */
function storageVersionHash({ kind, storage }: ResourceDefinition): string {
  return createHash('sha256').update(`${storage.group}/${storage.version}/${kind}`).digest().subarray(0, 8).toString('base64');
}
