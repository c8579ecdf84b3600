/**
 * Values in messages as Go prints its own structures, which have names with capitals, in their own order, and say of everything
 * that is not there that it is null.
 */

/** A structure with these fields. @param fields in Go's order */
export function goStruct<T extends object>(value: T | undefined, fields: readonly (keyof T & string)[]): unknown {
  if (!value) return nilValue;
  return Object.fromEntries(fields.map((field) => [field.charAt(0).toUpperCase() + field.slice(1), value[field] ?? null]));
}

/** A map; none is null. */
export function goMap(map: Readonly<Record<string, string>> | undefined): unknown {
  return map ?? nilValue;
}

/** A list; none is null, an empty one is not. */
export function goList(list: readonly unknown[] | undefined): unknown {
  return list ?? nilValue;
}

/** Prints as null, without quotes. */
const nilValue = { toJSON: (): null => null };
