/**
 * Selectors as authorizers see them: whoever may only list the pods of one node may list with that field selector. A selector only
 * ever narrows what is asked for, so one that cannot be read is left out, which asks for more.
 * @source apiserver pkg/endpoints/request/requestinfo.go and endpoints/filters/authorization.go (AuthorizeWithSelectors), v1.35
 */
import { type FieldRequirement, type LabelRequirement, parseFieldSelector, parseLabelSelector, SelectorError } from '../../api/index.ts';
import type { Access } from './authorizer.ts';

export interface AccessSelectors {
  readonly fields: readonly FieldRequirement[];
  readonly labels: readonly LabelRequirement[];
}

const none: AccessSelectors = { fields: [], labels: [] };
const verbsWithSelectors = new Set(['list', 'watch', 'deletecollection']);
/** The deprecated watch paths do not honour selectors everywhere. */
const watchPath = /^\/(?:api|apis\/[^/]+)\/[^/]+\/watch\//;

/** The selectors that an access is narrowed by. Parses when asked, since few authorizers want to know. */
export function selectorsOf({ selectors, query, verb, path }: Access): AccessSelectors {
  if (selectors) return selectors;
  if (!query || !verbsWithSelectors.has(verb) || watchPath.test(path)) return none;
  const fields = query.get('fieldSelector');
  const labels = query.get('labelSelector');
  if (!fields && !labels) return none;
  return {
    fields: fields ? (readable(() => parseFieldSelector(fields).requirements) ?? []) : [],
    labels: labels ? (readable(() => parseLabelSelector(labels).requirements) ?? []) : [],
  };
}

function readable<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}
