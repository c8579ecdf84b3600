/**
 * `$(NAME)` references in environment values, commands, arguments and `subPathExpr`. A grammar of three cases, kept apart from
 * where variables come from.
 * @source third_party/forked/golang/expansion
 */

/**
 * Replaces each `$(NAME)` by what `lookup` answers, `$$` by `$`, and leaves everything else (also an unclosed `$(`) as it is.
 * @param lookup undefined: the reference stays as it was written
 */
export function expandReferences(text: string, lookup: (name: string) => string | undefined): string {
  let expanded = '';
  let from = 0;
  for (let at = text.indexOf('$'); at >= 0 && at + 1 < text.length; at = text.indexOf('$', from)) {
    expanded += text.slice(from, at);
    const next = text[at + 1];
    const end = next === '(' ? text.indexOf(')', at + 2) : -1;
    if (next === '$') {
      expanded += '$';
      from = at + 2;
    } else if (end >= 0) {
      const name = text.slice(at + 2, end);
      expanded += lookup(name) ?? `$(${name})`;
      from = end + 1;
    } else {
      // An operator without operand: both characters stand for themselves.
      expanded += text.slice(at, at + 2);
      from = at + 2;
    }
  }
  return expanded + text.slice(from);
}

/** Variables by name, the last of a name winning. */
export function variableMap(variables: readonly { readonly name: string; readonly value?: string }[]): ReadonlyMap<string, string> {
  return new Map(variables.map(({ name, value }) => [name, value ?? '']));
}

/** A `subPathExpr` names variables that are not set. */
export class MissingVariablesError extends Error {
  override readonly name = 'MissingVariablesError';
}

/**
 * Expands a `subPathExpr`. Unlike a command it may not keep a reference or take an empty value: the path would be another one.
 * @throws MissingVariablesError naming every variable that is missing or empty
 */
export function expandSubPath(text: string, variables: readonly { readonly name: string; readonly value: string }[]): string {
  const values = variableMap(variables);
  const missing = new Set<string>();
  const expanded = expandReferences(text, (name) => {
    const value = values.get(name) ?? '';
    if (value === '') missing.add(name);
    return value;
  });
  if (missing.size > 0) throw new MissingVariablesError(`missing value for ${[...missing].sort().join(', ')}`);
  return expanded;
}
