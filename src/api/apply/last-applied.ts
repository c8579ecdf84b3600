/**
 * Living beside client-side apply: `kubectl apply` without `--server-side` keeps what it applied in an annotation. When kubectl goes
 * over to the server, fields that only that former apply set are no conflict, and the annotation is kept true for the way back.
 * @source apimachinery util/managedfields/internal/{lastapplied,lastappliedmanager,lastappliedupdater}.go
 */
import { JsonSyntaxError, parseJson, stringifyJson } from '../json/index.ts';
import { isJsonObject, setOwn } from '../json/tree.ts';
import { goJson } from '../go-text.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import type { ValueSchema } from '../schema/index.ts';
import { compare } from './compare.ts';
import { difference, emptySet, type FieldSet } from './field-set.ts';
import { fieldsOf } from './fields-of.ts';
import { withoutManagedFields } from './ownership.ts';

/** The manager whose applies migrate. */
export const kubectlManager = 'kubectl';

export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** Bytes that the annotations of an object may have. @source apimachinery api/validation TotalAnnotationSizeLimitB */
const maxAnnotationBytes = 256 * 1024;

export function lastAppliedOf(object: JsonObject | undefined): string | undefined {
  const metadata = object?.['metadata'] as JsonObject | undefined;
  const annotations = metadata?.['annotations'] as JsonObject | undefined;
  const text = annotations?.[lastAppliedAnnotation];
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/** Fields that the client-side apply set and that nobody has changed since. */
export function fieldsOfLastApplied(live: JsonObject, type: ValueSchema): FieldSet {
  const text = lastAppliedOf(live);
  const applied = text === undefined ? undefined : readConfiguration(text);
  if (applied === undefined || applied['apiVersion'] !== live['apiVersion']) return emptySet;
  const { added, modified, removed } = compare(applied, withoutManagedFields(live), type);
  return [added, modified, removed].reduce(difference, fieldsOf(applied, type));
}

function readConfiguration(text: string): JsonObject | undefined {
  try {
    const { value } = parseJson(text);
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    // Whoever wrote it, wrote no configuration.
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}

/** The object with the annotation that names `config` as applied last; without it when it would be too long. */
export function withLastApplied(object: JsonObject, config: JsonObject): JsonObject {
  const metadata = object['metadata'] as JsonObject;
  const { [lastAppliedAnnotation]: _old, ...others } = (metadata['annotations'] ?? {}) as JsonObject;
  const text = `${goJson(inKeyOrder(configurationOf(config)))}\n`;
  const fits = text.length + stringifyJson(others).length <= maxAnnotationBytes;
  const annotations = fits ? { ...others, [lastAppliedAnnotation]: text } : others;
  return { ...object, metadata: { ...metadata, annotations } };
}

/** As Go writes a map. */
function inKeyOrder(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(inKeyOrder);
  if (!isJsonObject(value)) return value;
  const ordered: Record<string, JsonValue> = {};
  for (const key of Object.keys(value).toSorted()) setOwn(ordered, key, inKeyOrder(value[key]!));
  return ordered;
}

function configurationOf(config: JsonObject): JsonObject {
  const metadata = config['metadata'] as JsonObject | undefined;
  const annotations = metadata?.['annotations'] as JsonObject | undefined;
  if (metadata === undefined || annotations?.[lastAppliedAnnotation] === undefined) return config;
  const { [lastAppliedAnnotation]: _old, ...others } = annotations;
  return { ...config, metadata: { ...metadata, annotations: others } };
}
