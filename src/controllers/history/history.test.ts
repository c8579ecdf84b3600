import { describe, expect, it } from 'vitest';
import type { appsv1, corev1, JsonObject } from '../../api/index.ts';
import { goJson } from './go-json.ts';
import { revisionHash, revisionName } from './revision-name.ts';
import { inRevisionOrder, newestWith, nextRevisionNumber, surplusRevisions } from './revisions.ts';
import { holdsPatch, templateOf, templatePatch } from './template-patch.ts';

/** As the API server of upstream's v1.34 stored it. */
const template: corev1.PodTemplateSpec = {
  metadata: { labels: { app: 'foo' }, annotations: { test: 'value' } },
  spec: {
    containers: [
      {
        name: 'test',
        image: 'test',
        imagePullPolicy: 'Always',
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ],
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  },
};

function revision(name: string, number: number, data: JsonObject = { of: name }, age = 0): appsv1.ControllerRevision {
  const creationTimestamp = `2026-01-01T00:00:0${9 - age}Z`;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name, namespace: 'ns', uid: name, resourceVersion: '1', creationTimestamp },
    revision: number,
    data,
  };
}

describe('the name of a revision', () => {
  it('is the one that upstream gives to the same template', () => {
    expect(revisionName('test', revisionHash(templatePatch(template), 0))).toBe('test-776999688b');
  });

  it('is another after a collision', () => {
    const hashes = [0, 1, 2].map((collisions) => revisionHash(templatePatch(template), collisions));
    expect(new Set(hashes).size).toBe(3);
  });

  it('is never too long', () => {
    expect(revisionName('x'.repeat(300), 'hash')).toBe(`${'x'.repeat(223)}-hash`);
  });
});

describe('the content of a revision', () => {
  it('is written with sorted keys, as kubectl makes it to compare', () => {
    expect(JSON.stringify(templatePatch(template))).toMatch(
      /^\{"spec":\{"template":\{"\$patch":"replace","metadata":\{"annotations":\{"test":"value"\},"labels":\{"app":"foo"\}\},"spec":\{"containers":\[\{"image":/,
    );
  });

  it('gives the template back', () => {
    expect(templateOf({ data: templatePatch(template) })).toEqual(template);
  });

  it('is no template when somebody wrote something else', () => {
    for (const data of [undefined, {}, { spec: null }, { spec: { template: { $patch: 'merge' } } }]) {
      expect(templateOf({ ...(data && { data }) })).toBeUndefined();
    }
  });

  it('is the same whatever the order of its keys', () => {
    const patch = templatePatch(template);
    expect(holdsPatch({ data: { spec: { template: { $patch: 'replace', ...template } as unknown as JsonObject } } }, patch)).toBe(true);
    expect(holdsPatch({ data: templatePatch({ ...template, metadata: {} }) }, patch)).toBe(false);
    expect(holdsPatch({}, patch)).toBe(false);
  });

  it('is hashed as Go writes it', () => {
    expect(goJson({ b: 'a && b > c <\u2028>', a: [1, true, null] })).toBe(
      '{"a":[1,true,null],"b":"a \\u0026\\u0026 b \\u003e c \\u003c\\u2028\\u003e"}',
    );
  });
});

describe('revisions', () => {
  const some = [revision('c', 3), revision('a', 1, { of: 'x' }), revision('young', 2, { of: 'x' }, 1), revision('old', 2, {}, 2)];
  const ordered = inRevisionOrder(some);

  it('are ordered by number, then by age', () => {
    expect(ordered.map(({ metadata }) => metadata.name)).toEqual(['a', 'old', 'young', 'c']);
  });

  it('are numbered on from the highest', () => {
    expect(nextRevisionNumber(some)).toBe(4);
    expect(nextRevisionNumber([])).toBe(1);
  });

  it('are found by content, the newest first', () => {
    expect(newestWith(ordered, { of: 'x' })?.metadata.name).toBe('young');
    expect(newestWith(ordered, { of: 'y' })).toBeUndefined();
  });

  const surplus = (limit: number, used: string[]): string[] =>
    surplusRevisions(ordered, { isUsed: ({ metadata }) => used.includes(metadata.name), limit }).map(({ metadata }) => metadata.name);

  it.each([
    { limit: 1, used: ['c'], expected: ['a', 'old'] },
    { limit: 0, used: ['c'], expected: ['a', 'old', 'young'] },
    { limit: 0, used: ['a', 'c'], expected: ['old', 'young'] },
    { limit: 10, used: [], expected: [] },
    { limit: -1, used: [], expected: [] },
  ])('are kept up to $limit beside $used', ({ limit, used, expected }) => {
    expect(surplus(limit, used)).toEqual(expected);
  });
});
