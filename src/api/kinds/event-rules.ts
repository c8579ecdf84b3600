/**
 * What holds for events of both APIs: rules of old for `v1`, strict ones for `events.k8s.io/v1`. Faults name fields as the core API
 * does, since that is the stored form.
 * @source pkg/apis/core/validation/events.go, v1.35
 */
import type { FieldError } from '../errors.ts';
import { invalidValue, required } from '../field-errors.ts';
import type { Event as CoreEvent } from '../gen/core-v1.ts';
import { dns1123SubdomainErrors, nameIsDnsSubdomain, qualifiedNameErrors } from '../names.ts';
import { utf8Length } from '../object-meta.ts';
import { immutableField, sameJson } from './immutable.ts';

const maxText = 128;
const maxNote = 1024;

/** The rules for an event written through `v1`. */
export function validateLegacyEvent(event: CoreEvent): FieldError[] {
  const errors = event.eventTime === undefined ? namespaceErrors(event) : newStyleErrors(event);
  const namespace = event.metadata.namespace ?? '';
  for (const message of dns1123SubdomainErrors(namespace)) errors.push(invalidValue('namespace', namespace, message));
  return errors;
}

/** The rules for an event created through `events.k8s.io/v1`. */
export function validateStrictEvent(event: CoreEvent): FieldError[] {
  const errors = [...validateLegacyEvent(event), ...nameErrors(event), ...seriesErrors(event)];
  if (event.eventTime === undefined) errors.push(required('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning') errors.push(invalidValue('type', '', `has invalid value: ${event.type ?? ''}`));
  for (const field of ['firstTimestamp', 'lastTimestamp', 'count'] as const) {
    if (event[field]) errors.push(invalidValue(field, '', 'needs to be unset'));
  }
  if (event.source?.component || event.source?.host) errors.push(invalidValue('source', '', 'needs to be unset'));
  return errors;
}

/** The rules for a change through `events.k8s.io/v1`: only the series and metadata change. */
export function validateStrictEventUpdate(event: CoreEvent, old: CoreEvent): FieldError[] {
  return [
    ...validateLegacyEvent(event),
    ...(sameJson(event.series, old.series) ? [] : seriesErrors(event)),
    // One version of the API says an empty text where the other says nothing.
    ...frozenFields.flatMap(([field, path]) => immutableField(path, event[field] || undefined, old[field] || undefined)),
  ];
}

/** Beyond what every event's name must be. */
function nameErrors({ metadata: { name, generateName } }: CoreEvent): FieldError[] {
  return [
    ...(generateName ? nameIsDnsSubdomain(generateName, true).map((one) => invalidValue('metadata.generateName', generateName, one)) : []),
    ...(name ? nameIsDnsSubdomain(name, false).map((one) => invalidValue('metadata.name', name, one)) : []),
  ];
}

const frozenFields = [
  ['involvedObject', 'involvedObject'],
  ['reason', 'reason'],
  ['message', 'message'],
  ['source', 'source'],
  ['firstTimestamp', 'firstTimestamp'],
  ['lastTimestamp', 'lastTimestamp'],
  ['count', 'count'],
  ['type', 'type'],
  ['eventTime', 'eventTime'],
  ['action', 'action'],
  ['related', 'related'],
  ['reportingComponent', 'reportingController'],
  ['reportingInstance', 'reportingInstance'],
] as const;

/** Without `eventTime` it is an event of the old kind: it lives beside its object. */
function namespaceErrors({ metadata, involvedObject }: CoreEvent): FieldError[] {
  const [own, involved] = [metadata.namespace ?? '', involvedObject?.namespace ?? ''];
  const fine = involved === '' ? own === '' || own === 'default' : own === involved;
  return fine ? [] : [invalidValue('involvedObject.namespace', involved, 'does not match event.namespace')];
}

function newStyleErrors(event: CoreEvent): FieldError[] {
  const errors: FieldError[] = [];
  const involved = event.involvedObject?.namespace ?? '';
  const own = event.metadata.namespace ?? '';
  if (involved === '' && own !== 'default' && own !== 'kube-system') {
    errors.push(invalidValue('involvedObject.namespace', involved, 'does not match event.namespace'));
  }
  const controller = event.reportingComponent ?? '';
  if (controller === '') errors.push(required('reportingController'));
  for (const message of qualifiedNameErrors(controller)) errors.push(invalidValue('reportingController', controller, message));
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    const text = event[field] ?? '';
    if (text === '') errors.push(required(field));
    if (utf8Length(text) > maxText) errors.push(invalidValue(field, '', `can have at most ${maxText} characters`));
  }
  if (utf8Length(event.message ?? '') > maxNote) errors.push(invalidValue('message', '', `can have at most ${maxNote} characters`));
  return errors;
}

function seriesErrors({ series }: CoreEvent): FieldError[] {
  if (!series) return [];
  const errors: FieldError[] = [];
  if ((series.count ?? 0) < 2) errors.push(invalidValue('series.count', '', 'should be at least 2'));
  if (series.lastObservedTime === undefined) errors.push(required('series.lastObservedTime'));
  return errors;
}
