import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } };
const metadata = { name: 'web', namespace: 'b' };
const base: Manifest = { metadata, spec: { selector: { matchLabels: { app: 'web' } }, template } };

describe('DaemonSet', () => {
  const daemonSets = definitionOf('daemonsets', 'apps');
  const generation = 'deprecated.daemonset.template.generation';

  test('defaults', () => {
    expect(create(daemonSets, { ...base, status: { numberReady: 3 } })).toMatchObject({
      faults: [],
      object: {
        metadata: { annotations: { [generation]: '1' } },
        spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }, revisionHistoryLimit: 10 },
        status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
      },
    });
  });

  test.each<[string, unknown, (string | RegExp)[]]>([
    [
      'spec.selector',
      undefined,
      ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
    ],
    ['spec.selector', {}, ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset']],
    [
      'spec.updateStrategy',
      { type: 'Now' },
      ['spec.updateStrategy: Unsupported value: {"Type":"Now","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"'],
    ],
    [
      'spec.updateStrategy.rollingUpdate',
      { maxSurge: 1 },
      ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero'],
    ],
    [
      'spec.updateStrategy.rollingUpdate',
      { maxUnavailable: 0 },
      ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
    ],
    [
      'spec.updateStrategy.rollingUpdate',
      { maxUnavailable: '200%' },
      [/maxUnavailable: Invalid value: "200%": must not be greater than 100%/],
    ],
    [
      'spec.template.spec.restartPolicy',
      'Never',
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'spec.template.spec.activeDeadlineSeconds',
      5,
      ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported'],
    ],
    ['spec.minReadySeconds', -1, ['spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0']],
  ])('%s = %j', (path, value, expected) => {
    const { faults } = create(daemonSets, withField(base, path, value));
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('counts the versions of its template, whatever the client says', () => {
    const old = decode(daemonSets, withField(base, 'metadata.annotations', { [generation]: '4' }));
    const annotations = (manifest: Manifest): unknown => update(daemonSets, { old, manifest }).object.metadata.annotations;
    expect(annotations(base)).toEqual({ [generation]: '4' });
    expect(annotations(withField(base, 'spec.template.spec.containers.0.image', 'nginx:2'))).toEqual({ [generation]: '5' });
    expect(update(daemonSets, { old, manifest: base, subresource: 'status' }).object.metadata.annotations).toEqual({ [generation]: '4' });
  });

  test('its selector does not change', () => {
    const manifest = withField(withField(base, 'spec.selector.matchLabels', { app: 'db' }), 'spec.template.metadata.labels.app', 'db');
    expect(update(daemonSets, { old: decode(daemonSets, base), manifest }).faults).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable',
    ]);
  });

  test('status and row', () => {
    const status = {
      desiredNumberScheduled: 3,
      currentNumberScheduled: 2,
      numberReady: 1,
      updatedNumberScheduled: 2,
      numberMisscheduled: 0,
    };
    const old = decode(daemonSets, { ...base, status: { ...status, collisionCount: 2 } });
    const manifest = { ...base, status: { ...status, numberAvailable: -1, collisionCount: 1 } };
    expect(update(daemonSets, { old, manifest, subresource: 'status' }).faults).toEqual([
      'status.numberAvailable: Invalid value: -1: must be greater than or equal to 0',
      'status.collisionCount: Invalid value: 1: cannot be decremented',
    ]);
    expect(row(daemonSets, old)).toEqual({
      Name: 'web',
      Desired: 3,
      Current: 2,
      Ready: 1,
      'Up-to-date': 2,
      Available: 0,
      'Node Selector': '<none>',
      Age: '<unknown>',
      Containers: 'c',
      Images: 'nginx:1',
      Selector: 'app=web',
    });
  });
});

describe('ControllerRevision', () => {
  const revisions = definitionOf('controllerrevisions', 'apps');
  const revision: Manifest = { metadata, revision: 3, data: { spec: {} } };

  test('holds data that never changes', () => {
    expect(create(revisions, revision).faults).toEqual([]);
    expect(create(revisions, { metadata, revision: -1 }).faults).toEqual([
      'revision: Invalid value: -1: must be greater than or equal to 0',
      'data: Required value: data is mandatory',
    ]);
    for (const data of [5, 'x', [], true]) {
      expect(create(revisions, { ...revision, data }).faults).toEqual(['data: Required value: data must be a valid JSON object']);
    }
    const old = decode(revisions, revision);
    expect(update(revisions, { old, manifest: { ...revision, revision: 4 } }).faults).toEqual([]);
    expect(update(revisions, { old, manifest: { ...revision, data: { spec: 1 } } }).faults).toEqual([
      'data: Invalid value: {"spec":1}: field is immutable',
    ]);
  });

  test('holds integers that are no floating point numbers', () => {
    const old = decode(revisions, revision);
    const data = { spec: 9_007_199_254_740_993n };
    const manifest = { ...old, data };
    const faults = revisions.strategy.validateUpdate(manifest as never, old, {} as never).map(({ message }) => message);
    expect(faults).toEqual(['Invalid value: {"spec":9007199254740993}: field is immutable']);
  });

  test('names its controller', () => {
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true };
    expect(row(revisions, decode(revisions, withField(revision, 'metadata.ownerReferences', [owner])))).toMatchObject({
      Controller: 'statefulset.apps/web',
      Revision: 3,
    });
    expect(row(revisions, decode(revisions, revision))).toMatchObject({ Controller: '<none>' });
  });
});
