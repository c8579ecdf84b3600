/**
 * The generated messages, read from text when a message is first met, with what Go knows of their fields.
 * `tools/generate/protobuf.ts` has the grammar.
 */
import { goFieldOf } from '../schema/index.ts';
import texts from './gen/messages.json' with { type: 'json' };

/** What a field holds: a scalar by its letter, or a message by its full name. */
export type FieldValue =
  | { readonly kind: 'text' | 'boolean' | 'integer' | 'double' | 'bytes' }
  | { readonly kind: 'message'; readonly name: string };

export interface MessageField {
  readonly number: number;
  /** In JSON. */
  readonly name: string;
  readonly value: FieldValue;
  readonly form: 'single' | 'list' | 'map' | 'inline';
  /** Written only when it is set; other single fields are always written. */
  readonly isPointer: boolean;
  /** Stands in JSON even when it is zero. */
  readonly isAlwaysSaid: boolean;
}

const known = new Map<string, ReadonlyMap<number, MessageField>>();
const all: Readonly<Record<string, string>> = texts;

/** The fields of a message by number, ascending; undefined when there is no such message. */
export function messageFields(name: string): ReadonlyMap<number, MessageField> | undefined {
  let fields = known.get(name);
  if (!fields && Object.hasOwn(all, name)) known.set(name, (fields = parse(name, all[name]!)));
  return fields;
}

/** Whether there is such a message, without reading it. */
export function isMessage(name: string): boolean {
  return Object.hasOwn(all, name);
}

/** The message of a schema definition: `io.k8s.api.core.v1.Pod` is `k8s.io.api.core.v1.Pod` there. */
export function messageOf(definition: string): string {
  return definition
    .replace(/^io\.k8s\./, 'k8s.io.')
    .replace('apiextensions-apiserver', 'apiextensions_apiserver')
    .replace('kube-aggregator', 'kube_aggregator');
}

function definitionOf(message: string): string {
  return message
    .replace(/^k8s\.io\./, 'io.k8s.')
    .replace('apiextensions_apiserver', 'apiextensions-apiserver')
    .replace('kube_aggregator', 'kube-aggregator');
}

const scalars: Readonly<Record<string, FieldValue>> = {
  s: { kind: 'text' },
  b: { kind: 'boolean' },
  i: { kind: 'integer' },
  d: { kind: 'double' },
  y: { kind: 'bytes' },
};

const forms: Readonly<Record<string, MessageField['form']>> = { '[': 'list', '{': 'map', '^': 'inline' };

function parse(message: string, text: string): ReadonlyMap<number, MessageField> {
  const fields = new Map<number, MessageField>();
  const ownPackage = message.slice(0, message.lastIndexOf('.'));
  const definition = definitionOf(message);
  for (const part of text === '' ? [] : text.split(';')) {
    const [number, name, type] = part.split(' ') as [string, string, string];
    const form = forms[type[0]!] ?? 'single';
    const value = form === 'single' ? type : type.slice(1);
    const full = value.includes('.') ? value : `${ownPackage}.${value}`;
    const { isPointer, isAlwaysSaid } = goFieldOf(definition, name);
    fields.set(Number(number), {
      number: Number(number),
      name,
      form,
      value: scalars[value] ?? { kind: 'message', name: full },
      isPointer,
      isAlwaysSaid,
    });
  }
  return fields;
}
