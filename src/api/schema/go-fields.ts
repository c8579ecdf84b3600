/**
 * What the Go types of the API say beyond the published schema: which fields are pointers (and so tell zero from nothing), which
 * plain ones JSON shows even when they are zero, and what named types are called. `tools/generate/go-fields` writes the facts.
 */
import facts from './gen/go-fields.json' with { type: 'json' };

export interface GoField {
  /** Nothing and zero are two things. */
  readonly isPointer: boolean;
  /** No pointer, and Go writes it to JSON whatever it holds. */
  readonly isAlwaysSaid: boolean;
  /** Such as `v1.PullPolicy`; undefined when the schema says it as well. */
  readonly goType: string | undefined;
}

const plain: GoField = { isPointer: false, isAlwaysSaid: false, goType: undefined };

const texts: Readonly<Record<string, string>> = facts;
const known = new Map<string, ReadonlyMap<string, GoField>>();

/** Whether the facts speak of the type; of a type of one's own nothing is known. */
export function hasGoFields(definition: string): boolean {
  return Object.hasOwn(texts, definition);
}

/** @param definition such as `io.k8s.api.core.v1.Container` @param field as in JSON */
export function goFieldOf(definition: string, field: string): GoField {
  let fields = known.get(definition);
  if (!fields) known.set(definition, (fields = parse(Object.hasOwn(texts, definition) ? texts[definition]! : '')));
  return fields.get(field) ?? plain;
}

function parse(text: string): ReadonlyMap<string, GoField> {
  const fields = new Map<string, GoField>();
  for (const part of text === '' ? [] : text.split(';')) {
    const [name, marks, goType] = part.split(' ') as [string, string, string | undefined];
    fields.set(name, { isPointer: marks === '*', isAlwaysSaid: marks === '!', goType });
  }
  return fields;
}
