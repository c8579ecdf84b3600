/**
 * What a ControllerRevision holds: a strategic merge patch that puts one pod template back in place of another. It is written with sorted
 * keys, because `kubectl rollout undo` compares the bytes of the patch with those that it makes of the template itself.
 * @source pkg/controller/statefulset/stateful_set_utils.go and pkg/controller/daemon/update.go (getPatch), v1.35
 */
import type { appsv1, corev1, JsonObject, JsonValue } from '../../api/index.ts';
import { goJson } from './go-json.ts';

type Revision = appsv1.ControllerRevision;

/** The patch that restores `template`. */
export function templatePatch(template: corev1.PodTemplateSpec): JsonObject {
  // A stored template is JSON through and through.
  return sorted({ spec: { template: { ...(template as unknown as JsonObject), $patch: 'replace' } } }) as JsonObject;
}

/** Whether the revision restores what the patch restores. */
export function holdsPatch(revision: Pick<Revision, 'data'>, patch: JsonObject): boolean {
  return revision.data !== undefined && goJson(revision.data) === goJson(patch);
}

/**
 * The template that a revision restores; undefined when somebody wrote a revision that holds something else.
 */
export function templateOf({ data }: Pick<Revision, 'data'>): corev1.PodTemplateSpec | undefined {
  const spec = data?.['spec'];
  const template = isObject(spec) ? spec['template'] : undefined;
  if (!isObject(template) || template['$patch'] !== 'replace') return undefined;
  const { $patch: _, ...restored } = template;
  return restored;
}

function sorted(value: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => sorted(item)!);
  if (!isObject(value)) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)!]));
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
