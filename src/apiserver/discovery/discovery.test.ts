import { describe, expect, test } from 'vitest';
import type { ResourceDefinition } from '../../api/index.ts';
import { discoveryForm } from './accept-aggregated.ts';
import { ApiIndex } from './api-index.ts';
import { compareGroups, compareVersions } from './group-priorities.ts';
import { gitVersion } from './version-info.ts';

function definition(
  overrides: Partial<ResourceDefinition> & { readonly group: string; readonly kind: string; readonly plural: string },
): ResourceDefinition {
  const { group, kind, plural } = overrides;
  const version = overrides.version ?? 'v1';
  return {
    version,
    listKind: `${kind}List`,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'],
    schema: '',
    storage: { prefix: group === '' ? plural : `${group}/${plural}`, group, version },
    subresources: [],
    columns: [],
    strategy: { validate: () => [], validateUpdate: () => [], validateName: () => [] },
    selectableFields: {},
    ...overrides,
  };
}

const pods = definition({
  group: '',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  subresources: [
    { name: 'status', verbs: ['get', 'patch', 'update'], handler: 'status' },
    { name: 'eviction', verbs: ['create'], handler: 'custom', kind: { group: 'policy', version: 'v1', kind: 'Eviction' } },
    { name: 'binding', verbs: ['create'], handler: 'custom', kind: { group: '', version: 'v1', kind: 'Binding' } },
  ],
});
const bindings = definition({ group: '', kind: 'Binding', plural: 'bindings', verbs: ['create'] });
const deployments = definition({ group: 'apps', kind: 'Deployment', plural: 'deployments', shortNames: ['deploy'], categories: ['all'] });
const widgets = (version: string): ResourceDefinition => definition({ group: 'example.com', version, kind: 'Widget', plural: 'widgets' });

describe('the legacy lists', () => {
  const index = new ApiIndex([pods, widgets('v1beta1'), bindings, deployments, widgets('v1')]);

  test('resources stand by name with their subresources after them, and say what is stored', () => {
    expect(index.resourceList('', 'v1')).toEqual({
      kind: 'APIResourceList',
      groupVersion: 'v1',
      resources: [
        { name: 'bindings', singularName: 'binding', namespaced: true, kind: 'Binding', verbs: ['create'] },
        {
          name: 'pods',
          singularName: 'pod',
          namespaced: true,
          kind: 'Pod',
          verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
          shortNames: ['po'],
          categories: ['all'],
          storageVersionHash: 'xPOwRZ+Yhw8=',
        },
        { name: 'pods/binding', singularName: '', namespaced: true, kind: 'Binding', verbs: ['create'] },
        { name: 'pods/eviction', singularName: '', namespaced: true, group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
        { name: 'pods/status', singularName: '', namespaced: true, kind: 'Pod', verbs: ['get', 'patch', 'update'] },
      ],
    });
  });

  test('groups stand by priority and versions by stability, the first being preferred', () => {
    expect(index.groupList()).toMatchObject({
      groups: [
        { name: 'apps', preferredVersion: { groupVersion: 'apps/v1', version: 'v1' } },
        {
          name: 'example.com',
          versions: [
            { groupVersion: 'example.com/v1', version: 'v1' },
            { groupVersion: 'example.com/v1beta1', version: 'v1beta1' },
          ],
          preferredVersion: { groupVersion: 'example.com/v1', version: 'v1' },
        },
      ],
    });
    expect(index.group('apps')).toMatchObject({ kind: 'APIGroup', apiVersion: 'v1', name: 'apps' });
  });

  test('the core group says its versions and the address of the server', () => {
    expect(index.legacyVersions('10.0.0.1:6443')).toEqual({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' }],
    });
  });

  test('what is not served is not there', () => {
    expect(index.group('batch')).toBeUndefined();
    expect(index.resourceList('apps', 'v1beta1')).toBeUndefined();
    expect(index.paths()).toEqual([
      '/api',
      '/api/v1',
      '/apis/apps',
      '/apis/apps/v1',
      '/apis/example.com',
      '/apis/example.com/v1',
      '/apis/example.com/v1beta1',
    ]);
  });
});

describe('the aggregated list', () => {
  test('nests subresources, and a kind of the same version names no group', () => {
    const { items, apiVersion } = new ApiIndex([pods, deployments]).aggregated('core', 'v2');
    expect(apiVersion).toBe('apidiscovery.k8s.io/v2');
    expect(items).toMatchObject([
      {
        metadata: {},
        versions: [
          {
            version: 'v1',
            freshness: 'Current',
            resources: [
              {
                resource: 'pods',
                responseKind: { group: '', version: '', kind: 'Pod' },
                scope: 'Namespaced',
                singularResource: 'pod',
                subresources: [
                  { subresource: 'binding', responseKind: { group: '', version: '', kind: 'Binding' } },
                  { subresource: 'eviction', responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' } },
                  { subresource: 'status', responseKind: { group: '', version: '', kind: 'Pod' } },
                ],
              },
            ],
          },
        ],
      },
    ]);
  });

  test('the named groups leave the core group out', () => {
    const { items } = new ApiIndex([pods, deployments]).aggregated('named', 'v2beta1');
    expect(items).toMatchObject([{ metadata: { name: 'apps' } }]);
  });
});

test.each([
  [
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json',
    'v2',
  ],
  ['application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json', 'v2beta1'],
  ['application/json; as=APIGroupDiscoveryList; v=v2; g=apidiscovery.k8s.io;q=0.5, application/json;q=0.9', 'v2'],
  ['application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json', 'v2 protobuf'],
  ['application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', 'v2 yaml'],
  ['*/*;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', 'v2'],
  ['application/json;q=0.1,application/cbor;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', 'legacy'],
  ['application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList,application/json', 'legacy'],
  ['application/json, */*', 'legacy'],
  ['', 'legacy'],
  [undefined, 'legacy'],
] as const)('Accept %j asks for %s', (accept, form) => {
  const [version, encoding = 'json'] = form.split(' ');
  expect(discoveryForm(accept)).toEqual({ version, encoding });
});

test('versions are ordered as clients expect', () => {
  const versions = ['v1', 'v1alpha1', 'foo1', 'v2', 'v10', 'v1beta2', 'v11alpha2', 'v3beta1', 'foo10'];
  expect(versions.toSorted(compareVersions)).toEqual(['v10', 'v2', 'v1', 'v3beta1', 'v1beta2', 'v11alpha2', 'v1alpha1', 'foo1', 'foo10']);
});

test('groups of the same priority stand by name, and unknown ones last', () => {
  const groups = ['example.com', 'apiextensions.k8s.io', 'apps', 'admissionregistration.k8s.io', ''];
  expect(groups.toSorted(compareGroups)).toEqual(['', 'apps', 'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'example.com']);
});

test('the version is no pre-release', () => {
  expect(gitVersion('0.1.0')).toBe('v1.35.0+knarr.0.1.0');
  expect(gitVersion('0.1.0-rc.1')).not.toContain('-');
});
