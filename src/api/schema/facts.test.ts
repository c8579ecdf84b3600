import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { generateSchema } from '../../../tools/generate/schema.ts';
import { readSchemaFacts } from '../../../tools/generate/schema-facts.ts';
import { definitionNames, definitionOfKind, schemaOf, UnknownDefinitionError } from './facts.ts';

const data = fileURLToPath(new URL('../../../../shared/data', import.meta.url));

test.skipIf(!existsSync(data))(
  'the generated facts are what the generator writes (skips without the published schema beside the checkout)',
  () => {
    const committed = readFileSync(new URL('gen/facts.json', import.meta.url), 'utf8');
    // Otherwise: `npm run generate`.
    expect(committed === generateSchema(readSchemaFacts(data))).toBe(true);
  },
);

test('every definition can be read', () => {
  for (const name of definitionNames()) expect(schemaOf(name).definition).toBe(name);
  expect(definitionNames().length).toBeGreaterThan(700);
});

test('a definition that is not there is refused by name', () => {
  expect(() => schemaOf('io.k8s.api.core.v1.Nothing')).toThrow(UnknownDefinitionError);
  expect(() => schemaOf('__proto__')).toThrow(UnknownDefinitionError);
});

describe('a kind is found by group, version and kind', () => {
  test.each([
    ['', 'v1', 'Pod', 'io.k8s.api.core.v1.Pod'],
    ['apps', 'v1', 'Deployment', 'io.k8s.api.apps.v1.Deployment'],
    ['policy', 'v1', 'Eviction', 'io.k8s.api.policy.v1.Eviction'],
    ['apps', 'v1', 'DeleteOptions', 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'],
    ['', 'v1', 'Status', 'io.k8s.apimachinery.pkg.apis.meta.v1.Status'],
    ['apps', 'v1beta1', 'Deployment', undefined],
  ])('%s/%s %s', (group, version, kind, definition) => {
    expect(definitionOfKind({ group, version, kind })).toBe(definition);
  });
});

describe('fields say how they are typed, merged and patched', () => {
  const field = (definition: string, name: string) => schemaOf(`io.k8s.api.${definition}`).fields.get(name);

  test('a list of objects with two keys, which patches know one of', () => {
    expect(field('core.v1.Container', 'ports')).toMatchObject({
      value: {
        kind: 'list',
        listType: 'map',
        listMapKeys: ['containerPort', 'protocol'],
        items: { definition: 'io.k8s.api.core.v1.ContainerPort' },
      },
      patchStrategy: ['merge'],
      patchMergeKey: 'containerPort',
    });
  });

  test('a list without a declared type is atomic', () => {
    expect(field('core.v1.Container', 'args')?.value).toMatchObject({ kind: 'list', listType: 'atomic', items: { kind: 'string' } });
  });

  test('two strategies on one field', () => {
    expect(field('core.v1.PodSpec', 'volumes')?.patchStrategy).toEqual(['merge', 'retainKeys']);
  });

  test('maps and objects that are written as a whole, by the field or by the type', () => {
    expect(field('core.v1.PodSpec', 'nodeSelector')?.value).toMatchObject({ kind: 'map', mapType: 'atomic' });
    expect(field('core.v1.ConfigMap', 'data')?.value).toMatchObject({ kind: 'map', mapType: 'granular' });
    expect(field('core.v1.PersistentVolumeSpec', 'claimRef')?.value).toMatchObject({ mapType: 'granular' });
    expect(field('core.v1.Event', 'involvedObject')?.value).toMatchObject({ mapType: 'atomic' });
  });

  test('defaults and enums, with symbols spelled out', () => {
    expect(field('core.v1.ContainerPort', 'protocol')?.default).toBe('TCP');
    expect(field('core.v1.AzureDiskVolumeSource', 'cachingMode')?.default).toBe('ReadWrite');
    expect(field('core.v1.Container', 'imagePullPolicy')?.enum).toEqual(['Always', 'IfNotPresent', 'Never']);
  });

  test('special types by their name', () => {
    expect(field('core.v1.HTTPGetAction', 'port')?.value).toMatchObject({ kind: 'special', special: 'IntOrString' });
    expect(field('core.v1.Secret', 'data')?.value).toMatchObject({ kind: 'map', values: { kind: 'bytes' } });
  });
});
