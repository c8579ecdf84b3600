import { expect, test } from 'vitest';
import { apiVersionOf } from '../resource-ref.ts';
import { builtinResources } from './index.ts';

test('every entry has its own place in the API', () => {
  const places = builtinResources.map((one) => `${apiVersionOf(one)}/${one.plural}`);
  expect(new Set(places).size).toBe(places.length);
});

test('only views of one set share a place in the store', () => {
  const shared = builtinResources.filter((one) =>
    builtinResources.some((other) => other !== one && other.storage.prefix === one.storage.prefix),
  );
  expect(shared.map(({ group, version, plural }) => `${group}/${version}/${plural}`).sort()).toEqual([
    '/v1/events',
    'autoscaling/v1/horizontalpodautoscalers',
    'autoscaling/v2/horizontalpodautoscalers',
    'events.k8s.io/v1/events',
    'networking.k8s.io/v1/ipaddresses',
    'networking.k8s.io/v1/servicecidrs',
    'networking.k8s.io/v1beta1/ipaddresses',
    'networking.k8s.io/v1beta1/servicecidrs',
    'storage.k8s.io/v1/volumeattributesclasses',
    'storage.k8s.io/v1beta1/volumeattributesclasses',
  ]);
});

test.each([
  ['', 'pods', 'po', ['all'], 'attach binding ephemeralcontainers eviction exec log portforward proxy resize status'],
  ['', 'services', 'svc', ['all'], 'proxy status'],
  ['', 'namespaces', 'ns', [], 'finalize status'],
  ['', 'nodes', 'no', [], 'proxy status'],
  ['', 'configmaps', 'cm', [], ''],
  ['', 'serviceaccounts', 'sa', [], 'token'],
  ['', 'endpoints', 'ep', [], ''],
  ['', 'events', 'ev', [], ''],
  ['apps', 'deployments', 'deploy', ['all'], 'scale status'],
  ['', 'replicationcontrollers', 'rc', ['all'], 'scale status'],
  ['apps', 'daemonsets', 'ds', ['all'], 'status'],
  ['apps', 'replicasets', 'rs', ['all'], 'scale status'],
  ['apps', 'statefulsets', 'sts', ['all'], 'scale status'],
  ['autoscaling', 'horizontalpodautoscalers', 'hpa', ['all'], 'status'],
  ['batch', 'cronjobs', 'cj', ['all'], 'status'],
  ['policy', 'poddisruptionbudgets', 'pdb', [], 'status'],
  ['scheduling.k8s.io', 'priorityclasses', 'pc', [], ''],
  ['events.k8s.io', 'events', 'ev', [], ''],
])('%s %s', (group, plural, shortName, categories, subresources) => {
  const entry = builtinResources.find((one) => one.group === group && one.plural === plural)!;
  expect(entry.shortNames).toEqual([shortName]);
  expect(entry.categories).toEqual(categories);
  expect(
    entry.subresources
      .map(({ name }) => name)
      .sort()
      .join(' '),
  ).toBe(subresources);
});

test('the schema of an entry is named after its package', () => {
  expect(builtinResources.map(({ schema }) => schema)).toEqual(
    expect.arrayContaining([
      'io.k8s.api.core.v1.Pod',
      'io.k8s.api.apps.v1.Deployment',
      'io.k8s.api.coordination.v1.Lease',
      'io.k8s.api.node.v1.RuntimeClass',
    ]),
  );
});

test('a binding is only created, a namespace not deleted by the dozen', () => {
  const verbs = (plural: string): readonly string[] => builtinResources.find((one) => one.plural === plural)!.verbs;
  expect(verbs('bindings')).toEqual(['create']);
  expect(verbs('namespaces')).not.toContain('deletecollection');
  expect(verbs('services')).toContain('deletecollection');
});
