/** Headers line by line: a header that names a group twice names two groups, while a comma in one line is part of a name. */

export interface HeaderSource {
  /** Undefined when it is absent; several lines joined. @param name lower case */
  header(name: string): string | undefined;
  /** Names and values in turn, each line of its own, as they came. */
  headerLines(): readonly string[];
}

/** The lines of one header. @param name lower case */
export function valuesOf(request: HeaderSource, name: string): string[] {
  if (request.header(name) === undefined) return [];
  const lines = request.headerLines();
  const values: string[] = [];
  for (let at = 0; at < lines.length; at += 2) if (lines[at]!.toLowerCase() === name) values.push(lines[at + 1]!);
  return values;
}

/** Keys of extra values come percent-encoded, since header names allow little; one that is not stays as it is. */
export function unescapeExtraKey(key: string): string {
  if (!key.includes('%')) return key;
  try {
    return decodeURIComponent(key);
  } catch (error) {
    if (error instanceof URIError) return key;
    throw error;
  }
}
