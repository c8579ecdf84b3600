import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../object.ts';
import { schemaOf } from '../schema/index.ts';
import { applyStrategicMergePatch, StrategicMergeError } from './strategic-merge-patch.ts';

const podSpec = schemaOf('io.k8s.api.core.v1.PodSpec');
const deploymentSpec = schemaOf('io.k8s.api.apps.v1.DeploymentSpec');
const meta = schemaOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');

function container(name: string, rest: JsonObject = {}): JsonObject {
  return { name, ...rest };
}

describe('lists with a merge key', () => {
  const live = { containers: [container('a', { image: '1' }), container('b', { image: '1' })] };
  const cases: readonly (readonly [string, JsonObject, JsonObject])[] = [
    [
      'an item of that key is merged',
      { containers: [{ name: 'b', image: '2' }] },
      { containers: [container('a', { image: '1' }), container('b', { image: '2' })] },
    ],
    [
      'an item of a new key is added before what the server alone has',
      { containers: [{ name: 'c' }] },
      { containers: [container('c'), ...live.containers] },
    ],
    [
      '$patch: delete takes an item out',
      { containers: [{ name: 'a', $patch: 'delete' }] },
      { containers: [container('b', { image: '1' })] },
    ],
    [
      '$patch: replace keeps only the items of the patch',
      { containers: [{ $patch: 'replace' }, { name: 'z' }] },
      { containers: [container('z')] },
    ],
    [
      '$setElementOrder orders',
      { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] },
      { containers: [container('b', { image: '1' }), container('a', { image: '1' })] },
    ],
    [
      '$setElementOrder with a change and an addition',
      { '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }], containers: [{ name: 'c' }, { name: 'b', image: '2' }] },
      { containers: [container('c'), container('a', { image: '1' }), container('b', { image: '2' })] },
    ],
    ['null removes the list', { containers: null }, {}],
  ];
  test.each(cases)('%s', (_name, patch, result) => {
    expect(applyStrategicMergePatch(live, patch, podSpec)).toEqual(result);
  });

  test('the key of a port is its number alone', () => {
    const before = { containers: [container('a', { ports: [{ containerPort: 53, protocol: 'UDP' }] })] };
    const patch = { containers: [{ name: 'a', ports: [{ containerPort: 53, name: 'dns' }] }] };
    expect(applyStrategicMergePatch(before, patch, podSpec)).toEqual({
      containers: [container('a', { ports: [{ containerPort: 53, protocol: 'UDP', name: 'dns' }] })],
    });
  });
});

describe('lists without one', () => {
  test('an atomic list is replaced', () => {
    const live = { containers: [container('a', { args: ['x', 'y'] })] };
    expect(applyStrategicMergePatch(live, { containers: [{ name: 'a', args: ['z'] }] }, podSpec)).toEqual({
      containers: [container('a', { args: ['z'] })],
    });
  });

  test('a set of texts is united', () => {
    expect(applyStrategicMergePatch({ finalizers: ['a', 'b'] }, { finalizers: ['c', 'b'] }, meta)).toEqual({ finalizers: ['c', 'a', 'b'] });
  });

  test('$deleteFromPrimitiveList takes texts out', () => {
    const patch = { '$deleteFromPrimitiveList/finalizers': ['a'], '$setElementOrder/finalizers': ['c', 'b'], finalizers: ['c'] };
    expect(applyStrategicMergePatch({ finalizers: ['a', 'b'] }, patch, meta)).toEqual({ finalizers: ['c', 'b'] });
  });
});

describe('objects', () => {
  test('$retainKeys clears what it does not name', () => {
    const live = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } };
    const patch = { strategy: { $retainKeys: ['type'], type: 'Recreate' } };
    expect(applyStrategicMergePatch(live, patch, deploymentSpec)).toEqual({ strategy: { type: 'Recreate' } });
  });

  test('$patch: replace and delete on an object', () => {
    const live = { securityContext: { runAsUser: 1, fsGroup: 2 } };
    expect(applyStrategicMergePatch(live, { securityContext: { $patch: 'replace', fsGroup: 3 } }, podSpec)).toEqual({
      securityContext: { fsGroup: 3 },
    });
    expect(applyStrategicMergePatch(live, { securityContext: { $patch: 'delete' } }, podSpec)).toEqual({ securityContext: {} });
  });

  test('users’ keys merge, null removes one', () => {
    expect(applyStrategicMergePatch({ labels: { a: '1', b: '2' } }, { labels: { a: null, c: '3' } }, meta)).toEqual({
      labels: { b: '2', c: '3' },
    });
  });

  test('a field with strategy replace is replaced', () => {
    const live = { selector: { matchLabels: { a: '1' } } };
    const schema = schemaOf('io.k8s.api.policy.v1.PodDisruptionBudgetSpec');
    expect(applyStrategicMergePatch(live, { selector: { matchLabels: { b: '2' } } }, schema)).toEqual({
      selector: { matchLabels: { b: '2' } },
    });
  });

  test('what meets nothing loses its nulls and what $patch is in; other directives are fields like any', () => {
    const patch = {
      affinity: { nodeAffinity: null, podAffinity: { $retainKeys: [] } },
      volumes: [
        { name: 'a', $patch: 'delete' },
        { name: 'b', secret: null },
      ],
    };
    expect(applyStrategicMergePatch({}, patch, podSpec)).toEqual({
      affinity: { podAffinity: { $retainKeys: [] } },
      volumes: [{ name: 'b' }],
    });
  });
});

describe('what is refused', () => {
  const live = { containers: [container('a')] };
  const cases: readonly (readonly [string, JsonObject, string])[] = [
    ['an item without its key', { containers: [{ image: 'x' }] }, 'map: map[image:x] does not contain declared merge key: name'],
    [
      'a deletion without its key',
      { containers: [{ $patch: 'delete' }] },
      'map: map[$patch:delete] does not contain declared merge key: name',
    ],
    ['an unknown directive', { containers: [{ name: 'a', $patch: 'no' }] }, 'unknown patch type: no in map: map[$patch:no name:a]'],
    [
      'merge as a directive of a list',
      { containers: [{ name: 'a', $patch: 'merge' }] },
      'merging lists cannot yet be specified in the patch',
    ],
    ['$retainKeys that is no list', { $retainKeys: 'x' }, 'invalid patch format of retainKeys'],
    ['a change that $retainKeys does not name', { $retainKeys: [], hostNetwork: true }, 'invalid patch format of retainKeys'],
    ['an order that is no list', { '$setElementOrder/containers': 1 }, 'expected a []interface {}, but received a int64'],
    [
      'an order that the list does not follow',
      { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'b' }] },
      "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
    ],
    [
      'an order of a list that is removed',
      { '$setElementOrder/containers': [{ name: 'a' }], containers: null },
      'expected a []interface {}, but received a %!s(<nil>)',
    ],
    ['an order of nothing', { '$setElementOrder/volumes': [], volumes: [] }, 'no elements in any of the given slices'],
    ['an order that names no key', { '$setElementOrder/containers': ['a'] }, 'value for key 0 is not a map'],
    ['items of several types', { containers: ['a'] }, 'list element types are not identical: [[map[name:a]] [a]]'],
    [
      'a directive that is no text',
      { containers: [{ name: 'a', $patch: 1 }] },
      'unknown patch type: %!s(int64=1) in map: map[$patch:1 name:a]',
    ],
    ['an order of an unknown field that is no list', { '$setElementOrder/no': 1 }, 'expected a []interface {}, but received a int64'],
    ['an order of an unknown field', { '$setElementOrder/no': [] }, 'unable to find api field in struct PodSpec for the json field "no"'],
  ];
  test.each(cases)('%s', (_name, patch, message) => {
    expect(() => applyStrategicMergePatch(live, patch, podSpec)).toThrow(new StrategicMergeError(message));
  });
});

test('members are taken out of a list only by a list', () => {
  const removing = (what: JsonValue): JsonObject =>
    applyStrategicMergePatch({ finalizers: ['a', 'b'] }, { '$deleteFromPrimitiveList/finalizers': what }, meta);
  expect(removing(['a', 'x'])).toEqual({ finalizers: ['b'] });
  expect(removing(null)).toEqual({});
  expect(removing('a')).toEqual({ finalizers: ['a', 'b'] });
  expect(() => removing([1])).toThrow('list element types are not identical: [[a b] [1]]');
});

test('neither object nor patch are changed, and applying twice is applying once', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const item = fc.record(
    { name, image: fc.constantFrom('1', '2'), args: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }) },
    { requiredKeys: ['name'] },
  );
  const items = fc.uniqueArray(item, { selector: (one) => one.name, maxLength: 3 });
  const change = fc.record(
    { containers: items, nodeSelector: fc.dictionary(name, fc.string()), $patch: fc.constant('replace') },
    { requiredKeys: ['containers'] },
  );
  fc.assert(
    fc.property(items, change, (containers, patch) => {
      const live = { containers, nodeSelector: { a: '1' } };
      const before = JSON.stringify([live, patch]);
      const once = applyStrategicMergePatch(live, patch, podSpec);
      expect(JSON.stringify([live, patch])).toBe(before);
      expect(applyStrategicMergePatch(once, patch, podSpec)).toEqual(once);
    }),
  );
});
