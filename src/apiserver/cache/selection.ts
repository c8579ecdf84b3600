/** Which objects of a collection a list or watch wants: namespace, name and selectors, with what an index can answer pulled out. */
import {
  badRequest,
  type FieldMatcher,
  type KubeObject,
  type LabelMatcher,
  matchEverything,
  parseFieldSelector,
  parseLabelSelector,
  type ResourceDefinition,
  SelectorError,
} from '../../api/index.ts';
import type { StoredObject } from './stored-object.ts';
import type { WatchScope } from './watcher.ts';

/** The one field with an index; see `Collection`. */
const indexedField = 'spec.nodeName';

/** What selectors look at. */
export type Selectable = Pick<StoredObject, 'labels' | 'name' | 'namespace' | 'field'>;

export interface Selection extends WatchScope {
  /** Undefined: every object of the scope. */
  readonly matches: ((object: Selectable) => boolean) | undefined;
  /** False when a label or field selector narrows it: then nobody knows how many objects remain beyond a page. */
  readonly isWholeScope: boolean;
}

/** Selectors that were parsed lately: the same few come again with every watch of a controller. */
const maxParsedSelectors = 512;
/** Longer ones are read anew each time: nobody's controller has them, and what is kept has to stay small. */
const maxKeptSelectorLength = 1_024;
const parsedLabels = new Map<string, LabelMatcher>();

/**
 * @param scope.name of the deprecated watch path; empty otherwise
 * @throws ApiError BadRequest for a selector that cannot be read or a field label that the resource does not offer
 */
export function selectionOf(
  definition: ResourceDefinition,
  scope: { readonly namespace: string; readonly name: string },
  selectors: { readonly labelSelector?: string | undefined; readonly fieldSelector?: string | undefined },
): Selection {
  const labels = labelMatcher(selectors.labelSelector);
  const fields = fieldMatcher(definition, selectors.fieldSelector);
  if (scope.name !== '' && fields && fields.requiredValue('metadata.name') !== scope.name) {
    throw badRequest("fieldSelector metadata.name doesn't match requested name");
  }
  const name = scope.name || (fields?.requiredValue('metadata.name') ?? '');
  const namespace = scope.namespace || (fields?.requiredValue('metadata.namespace') ?? '');
  return {
    namespace,
    name,
    indexed: fields?.requiredValue(indexedField) ?? '',
    matches: predicate(definition, labels, fields),
    isWholeScope: labels.isEverything && !fields && name === '',
  };
}

function labelMatcher(text: string | undefined): LabelMatcher {
  if (!text) return matchEverything;
  const known = parsedLabels.get(text);
  if (known) return known;
  try {
    const matcher = parseLabelSelector(text);
    if (text.length > maxKeptSelectorLength) return matcher;
    if (parsedLabels.size >= maxParsedSelectors) parsedLabels.clear();
    parsedLabels.set(text, matcher);
    return matcher;
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message, { cause: error });
    throw error;
  }
}

function fieldMatcher(definition: ResourceDefinition, text: string | undefined): FieldMatcher | undefined {
  if (!text) return undefined;
  let matcher: FieldMatcher;
  try {
    matcher = parseFieldSelector(text);
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message, { cause: error });
    throw error;
  }
  for (const { field } of matcher.requirements) {
    if (!isSelectable(definition, field)) throw badRequest(notSelectable(definition, field));
  }
  return matcher.isEverything ? undefined : matcher;
}

/** Kinds with no fields of their own have upstream's general answer. @source apimachinery runtime/conversion.go */
function notSelectable({ selectableFields }: ResourceDefinition, field: string): string {
  if (Object.keys(selectableFields).length > 0) return `field label not supported: ${field}`;
  return `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

function isSelectable(definition: ResourceDefinition, field: string): boolean {
  return field === 'metadata.name' || field === 'metadata.namespace' || Object.hasOwn(definition.selectableFields, field);
}

function predicate(
  definition: ResourceDefinition,
  labels: LabelMatcher,
  fields: FieldMatcher | undefined,
): ((object: Selectable) => boolean) | undefined {
  if (labels.isEverything && !fields) return undefined;
  return (object) =>
    (labels.isEverything || labels.matches(object.labels)) && (!fields || fields.matches((field) => readField(definition, object, field)));
}

function readField(definition: ResourceDefinition, object: Selectable, field: string): string {
  if (field === 'metadata.name') return object.name;
  if (field === 'metadata.namespace') return object.namespace;
  // `isSelectable` held when the selector was read.
  const read: (object: KubeObject) => string = definition.selectableFields[field]!;
  return object.field(field, read);
}
