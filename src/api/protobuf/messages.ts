/** The generated messages, read from text when a message is first met. `tools/generate/protobuf.ts` has the grammar. */
import texts from './gen/messages.json' with { type: 'json' };

/** What a field holds: a scalar by its letter, or a message by its full name. */
export type FieldValue =
  | { readonly kind: 'text' | 'boolean' | 'integer' | 'double' | 'bytes' }
  | { readonly kind: 'message'; readonly name: string };

export interface MessageField {
  /** In JSON. */
  readonly name: string;
  readonly value: FieldValue;
  readonly form: 'single' | 'list' | 'map' | 'inline';
}

const known = new Map<string, ReadonlyMap<number, MessageField>>();
const all: Readonly<Record<string, string>> = texts;

/** The fields of a message by number; undefined when there is no such message. */
export function messageFields(name: string): ReadonlyMap<number, MessageField> | undefined {
  let fields = known.get(name);
  if (!fields && Object.hasOwn(all, name)) known.set(name, (fields = parse(name, all[name]!)));
  return fields;
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
  for (const part of text === '' ? [] : text.split(';')) {
    const [number, name, type] = part.split(' ') as [string, string, string];
    const form = forms[type[0]!] ?? 'single';
    const value = form === 'single' ? type : type.slice(1);
    const full = value.includes('.') ? value : `${ownPackage}.${value}`;
    fields.set(Number(number), { name, form, value: scalars[value] ?? { kind: 'message', name: full } });
  }
  return fields;
}
