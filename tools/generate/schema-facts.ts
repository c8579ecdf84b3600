/** The shape of the published schema facts (a folder `shared/data` beside the checkout) that the generators read. */
import { readFileSync } from 'node:fs';

export interface ValueFacts {
  readonly type?: string;
  readonly ref?: string;
  readonly items?: ValueFacts;
  readonly values?: ValueFacts;
  readonly format?: string;
  readonly required?: boolean;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly 'list-type'?: 'atomic' | 'set' | 'map';
  readonly 'list-map-keys'?: readonly string[];
  readonly 'map-type'?: 'atomic' | 'granular';
  readonly 'patch-strategy'?: string;
  readonly 'patch-merge-key'?: string;
  readonly unions?: unknown;
  readonly merge?: string;
  readonly featureGates?: readonly string[];
  readonly markers?: unknown;
}

export interface TypeFacts extends ValueFacts {
  readonly fields?: Readonly<Record<string, ValueFacts>>;
  readonly 'group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
}

export interface SchemaFacts {
  readonly definitions: Readonly<Record<string, TypeFacts>>;
  readonly resources: readonly {
    readonly path: string;
    readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
    readonly actions: readonly string[];
  }[];
}

/** Reads the facts from `directory`. */
export function readSchemaFacts(directory: string): SchemaFacts {
  return JSON.parse(readFileSync(`${directory}/kubernetes-1.35-schema.json`, 'utf8')) as SchemaFacts;
}
