/**
 * A manifest may lack any field: an entry answers with faults and never throws. Starts from fully populated objects of the published
 * golden files, which lie beside the checkout of a developer and not in a user's clone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ResourceDefinition } from '../resource-definition.ts';
import { builtinResources } from './index.ts';
import { create, decode, type Manifest, row, update } from './strategy.suite.ts';

const maxPaths = 300;
const data = new URL('../../../../shared/data/roundtrip/', import.meta.url);

describe.skipIf(!existsSync(data))('a manifest without one of its parts (skipped without the golden files)', () => {
  test.each(builtinResources.map((definition) => [`${definition.plural} ${definition.group}`, definition] as const))(
    '%s',
    (_name, definition) => {
      const full = golden(definition);
      const old = decode(definition, full);
      const thrown: string[] = [];
      const paths = pathsOf(full);
      // A pod has two thousand places; every fifth or so keeps the test short and still meets each kind of field.
      const step = Math.ceil(paths.length / maxPaths);
      for (const path of paths.filter((_, i) => i % step === 0)) {
        const manifest = without(full, path);
        try {
          create(definition, manifest);
          update(definition, { old, manifest });
          update(definition, { old: decode(definition, manifest), manifest: full });
          for (const { name, strategy } of definition.subresources) {
            if (strategy) update(definition, { old, manifest, subresource: name });
          }
          row(definition, decode(definition, manifest));
          for (const read of Object.values(definition.selectableFields)) read(decode(definition, manifest));
        } catch (error) {
          thrown.push(`${path.join('.')}: ${String(error)}`);
        }
      }
      expect(thrown).toEqual([]);
    },
  );
});

function golden({ group, version, kind }: ResourceDefinition): Manifest {
  const file = new URL(`${group === '' ? 'core' : group}.${version}.${kind}.json`, data);
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}

type Path = readonly string[];

/** Every place in the value but `metadata` itself, which the decoder always gives. */
function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Object.entries(value).flatMap(([key, child]) => [[...at, key], ...pathsOf(child, [...at, key])]);
  return at.length === 0 ? own.filter((path) => path.join('.') !== 'metadata') : own;
}

function without(manifest: Manifest, path: Path): Manifest {
  const copy = structuredClone(manifest);
  let at: unknown = copy;
  for (const key of path.slice(0, -1)) at = (at as Manifest)[key];
  const last = path.at(-1)!;
  if (Array.isArray(at)) at.splice(Number(last), 1, ...(typeof at[Number(last)] === 'object' ? [{}] : []));
  else delete (at as Manifest)[last];
  return copy;
}
