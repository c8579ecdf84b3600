import { describe, expect, test } from 'vitest';
import type { Draft, KubeObject } from '../../api/index.ts';
import { builtinResources } from '../../api/kinds/index.ts';
import { seededRandom } from '../../base/index.ts';
import { finalizersFor, gracePeriodOf, isFinished } from './deletion-rules.ts';
import {
  generateName,
  keepSystemFields,
  matchName,
  matchNamespace,
  nextGeneration,
  setFirstGeneration,
  wipeSystemFields,
} from './metadata.ts';

const definition = (plural: string) => builtinResources.find((each) => each.plural === plural)!;
const meta = (fields: object): Draft<KubeObject>['metadata'] => fields as Draft<KubeObject>['metadata'];
const object = (metadata: object, more: object = {}): Draft<KubeObject> => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: meta(metadata),
  ...more,
});

describe('names', () => {
  test('are generated from a prefix that leaves room for five letters', () => {
    const random = seededRandom(1);
    expect(generateName('web-', random)).toMatch(/^web-[a-z0-9]{5}$/);
    expect(generateName('x'.repeat(80), random)).toHaveLength(63);
  });

  test('come from the path, and may not be others', () => {
    const metadata = meta({});
    matchName(metadata, 'a');
    expect(metadata.name).toBe('a');
    expect(() => matchName(meta({ name: 'b' }), 'a')).toThrow('the name of the object (b) does not match the name on the URL (a)');
  });

  test('of namespaces come from the path, and objects of the cluster have none', () => {
    const [own, other, cluster] = [meta({}), meta({ namespace: 'y' }), meta({ namespace: 'y' })];
    matchNamespace(definition('pods'), own, 'x');
    expect(own.namespace).toBe('x');
    expect(() => matchNamespace(definition('pods'), other, 'x')).toThrow('does not match the namespace sent on the request');
    matchNamespace(definition('nodes'), cluster, '');
    expect(cluster).toEqual({});
  });
});

describe('what the server says', () => {
  test('is taken from a new object', () => {
    const metadata = meta({
      name: 'a',
      uid: 'u',
      creationTimestamp: 't',
      deletionTimestamp: 't',
      deletionGracePeriodSeconds: 3,
      selfLink: 's',
    });
    wipeSystemFields(metadata);
    expect(metadata).toEqual({ name: 'a' });
  });

  test('stays as it was through an update', () => {
    const metadata = meta({ name: 'a', creationTimestamp: 'forged', deletionTimestamp: 'forged' });
    keepSystemFields(metadata, { name: 'a', uid: 'u', creationTimestamp: 't', resourceVersion: '1' });
    expect(metadata).toEqual({ name: 'a', uid: 'u', creationTimestamp: 't' });
  });

  test('a generation is counted when what is wanted changed', () => {
    const next = (plural: string, now: object, then: object): number | undefined => {
      const draft = object({ generation: 99 }, now);
      nextGeneration(definition(plural), draft, object({ generation: 4 }, then));
      return draft.metadata.generation;
    };
    expect(next('deployments', { spec: { a: 1 } }, { spec: { a: 1 } })).toBe(4);
    expect(next('deployments', { spec: { a: 2 } }, { spec: { a: 1 } })).toBe(5);
    expect(next('deployments', { spec: { a: 1 }, status: 1 }, { spec: { a: 1 } })).toBe(4);
    expect(next('endpointslices', { endpoints: [1] }, { endpoints: [] })).toBe(5);
    expect(next('configmaps', { data: 1 }, { data: 2 })).toBe(4);
    expect(next('csidrivers', { spec: { a: 2 } }, { spec: { a: 1 } })).toBe(5);
  });

  test('labels of slices count as well, those of others do not', () => {
    const relabelled = (plural: string): number | undefined => {
      const draft = object({ labels: { a: 'b' } });
      nextGeneration(definition(plural), draft, object({ generation: 4 }));
      return draft.metadata.generation;
    };
    expect(relabelled('endpointslices')).toBe(5);
    expect(relabelled('deployments')).toBe(4);
  });

  test('the first generation is said, but for kinds that begin to count with a change', () => {
    const first = (plural: string): number | undefined => {
      const metadata = meta({});
      setFirstGeneration(definition(plural), metadata);
      return metadata.generation;
    };
    expect(first('deployments')).toBe(1);
    expect(first('csidrivers')).toBeUndefined();
    expect(first('configmaps')).toBeUndefined();
  });
});

describe('deletion', () => {
  test.each<[object, number | undefined, number]>([
    [{ spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 } }, undefined, 30],
    [{ spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 } }, 5, 5],
    [{ spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 } }, 0, 0],
    [{ spec: { nodeName: 'n', terminationGracePeriodSeconds: -1 } }, undefined, 1],
    [{ spec: { terminationGracePeriodSeconds: 30 } }, 5, 0],
    [{ spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 }, status: { phase: 'Failed' } }, 5, 0],
  ])('of the pod %j asked with %s gives %i seconds', (pod, asked, expected) => {
    expect(gracePeriodOf(definition('pods'), object({}, pod), asked)).toBe(expected);
  });

  test('of anything else has no grace', () => {
    expect(gracePeriodOf(definition('configmaps'), object({}), 5)).toBeUndefined();
  });

  test('leaves finalizers as it was asked, or as the one before was', () => {
    const left = (finalizers: string[], propagationPolicy?: 'Orphan' | 'Foreground' | 'Background'): readonly string[] =>
      finalizersFor(definition('configmaps'), object({ finalizers }), propagationPolicy ? { propagationPolicy } : {});
    expect(left(['a'])).toEqual(['a']);
    expect(left(['a'], 'Foreground')).toEqual(['a', 'foregroundDeletion']);
    expect(left(['orphan', 'a'], 'Foreground')).toEqual(['a', 'foregroundDeletion']);
    expect(left(['orphan', 'a'])).toEqual(['a', 'orphan']);
    expect(left(['orphan', 'a'], 'Background')).toEqual(['a']);
    expect(finalizersFor(definition('events'), object({}), { propagationPolicy: 'Orphan' })).toEqual([]);
  });

  test.each<[string, object, object, boolean]>([
    ['configmaps', {}, { deletionTimestamp: 't' }, true],
    ['configmaps', {}, { deletionTimestamp: 't', deletionGracePeriodSeconds: 0 }, true],
    ['configmaps', {}, { deletionTimestamp: 't', deletionGracePeriodSeconds: 30 }, false],
    ['configmaps', { finalizers: ['a'] }, { deletionTimestamp: 't' }, false],
    ['configmaps', {}, {}, false],
  ])('of %s is done with %j after %j: %s', (plural, next, old, expected) => {
    expect(isFinished(definition(plural), object(next), object(old))).toBe(expected);
  });

  test('of a namespace is done when its own finalizers are gone', () => {
    const old = object({ deletionTimestamp: 't' });
    expect(isFinished(definition('namespaces'), object({}, { spec: { finalizers: ['kubernetes'] } }), old)).toBe(false);
    expect(isFinished(definition('namespaces'), object({}, { spec: {} }), old)).toBe(true);
  });
});
