/**
 * Event, in two APIs over one stored set: `v1` (the stored form) and `events.k8s.io/v1`, which names some fields differently.
 * @source pkg/apis/events/v1/conversion.go, pkg/registry/core/event/strategy.go, printers.go, v1.35
 */
import { ageOf } from '../duration.ts';
import type { Event as CoreEvent } from '../gen/core-v1.ts';
import type { Event as EventsEvent } from '../gen/events-v1.ts';
import { corev1Resources, eventsv1Resources } from '../gen/resources.ts';
import { pathSegmentErrors } from '../names.ts';
import type { Draft, KubeObject } from '../object.ts';
import type { PrinterColumn, ResourceDefinition } from '../resource-definition.ts';
import { defineResource } from './define-resource.ts';
import { validateLegacyEvent, validateStrictEvent, validateStrictEventUpdate } from './event-rules.ts';
import { column, nameColumn, wideColumn } from './standard-columns.ts';

const storage = { prefix: 'events', group: '', version: 'v1' };

const coreColumns: readonly PrinterColumn<CoreEvent>[] = [
  column('Last Seen', 'string', 'How long ago it was last seen.', lastSeen),
  column('Type', 'string', 'Normal or Warning.', ({ type }) => type ?? ''),
  column('Reason', 'string', 'Why it happened, in one word.', ({ reason }) => reason ?? ''),
  column(
    'Object',
    'string',
    'What it is about.',
    ({ involvedObject: { kind = '', name } }) => `${kind.toLowerCase()}${name ? `/${name}` : ''}`,
  ),
  wideColumn('Subobject', 'string', 'The part of the object that it is about.', ({ involvedObject }) => involvedObject.fieldPath ?? ''),
  wideColumn('Source', 'string', 'Who reports it.', formatSource),
  column('Message', 'string', 'What happened, for people.', ({ message }) => (message ?? '').trim()),
  wideColumn('First Seen', 'string', 'How long ago it was first seen.', firstSeen),
  wideColumn('Count', 'string', 'How often it was seen.', ({ series, count }) => series?.count ?? (count || 1)),
  { ...nameColumn, priority: 1 },
];

const coreFields: Readonly<Record<string, (event: CoreEvent) => string>> = {
  'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
  'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
  'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
  'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
  'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
  'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
  'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
  reason: ({ reason }) => reason ?? '',
  reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
  source: ({ source, reportingComponent }) => source?.component || (reportingComponent ?? ''),
  type: ({ type }) => type ?? '',
};

export const coreEventResource: ResourceDefinition = defineResource<CoreEvent>({
  ref: corev1Resources.events,
  shortNames: ['ev'],
  storage,
  columns: coreColumns,
  selectableFields: coreFields,
  strategy: {
    validateName: (name) => pathSegmentErrors(name),
    applyDefaults: (event) => {
      event.involvedObject ??= {};
      event.source ??= {};
      // Both are pointers-free strings without omitempty upstream: always printed.
      event.reportingComponent ??= '';
      event.reportingInstance ??= '';
    },
    validate: validateLegacyEvent,
    validateUpdate: validateLegacyEvent,
    allowCreateOnUpdate: true,
  },
});

export const eventsEventResource: ResourceDefinition = defineResource<EventsEvent>({
  ref: eventsv1Resources.events,
  shortNames: ['ev'],
  storage: {
    ...storage,
    toStorage: toCore,
    // The stored set holds core events only.
    fromStorage: (stored: KubeObject) => fromCore(stored as CoreEvent),
  },
  columns: coreColumns.map((one) => ({ ...one, cell: (event: EventsEvent, nowMs: number) => one.cell(toCore(event), nowMs) })),
  selectableFields: Object.fromEntries(
    Object.entries(coreFields)
      .filter(([field]) => field !== 'source')
      .map(([field, read]) => [eventsField(field), (event: EventsEvent) => read(toCore(event))]),
  ),
  strategy: {
    validateName: (name) => pathSegmentErrors(name),
    applyDefaults: (event) => {
      event.regarding ??= {};
      event.deprecatedSource ??= {};
    },
    validate: (event) => validateStrictEvent(toCore(event)),
    validateUpdate: (event, old) => validateStrictEventUpdate(toCore(event), toCore(old)),
    allowCreateOnUpdate: true,
  },
});

function eventsField(coreField: string): string {
  return coreField === 'reportingComponent' ? 'reportingController' : coreField.replace('involvedObject.', 'regarding.');
}

/** The fields that the two APIs name differently. */
const renamed = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
  ['reportingController', 'reportingComponent'],
] as const satisfies readonly (readonly [keyof EventsEvent, keyof CoreEvent])[];
const toCoreName = new Map<string, string>(renamed);
const fromCoreName = new Map<string, string>(renamed.map(([events, core]) => [core, events]));

/** The stored form of an event of `events.k8s.io`. */
export function toCore(event: EventsEvent): CoreEvent {
  const core = rename(event, toCoreName) as unknown as Draft<CoreEvent>;
  core.apiVersion = 'v1';
  core.involvedObject ??= {};
  return core;
}

/** An event of `events.k8s.io` from its stored form. */
export function fromCore(event: CoreEvent): EventsEvent {
  const events = rename(event, fromCoreName) as unknown as Draft<EventsEvent>;
  events.apiVersion = 'events.k8s.io/v1';
  return events;
}

function rename(object: object, names: ReadonlyMap<string, string>): Record<string, unknown> {
  const renamedObject: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(object)) renamedObject[names.get(field) ?? field] = value;
  return renamedObject;
}

function firstSeen({ firstTimestamp, eventTime }: CoreEvent, nowMs: number): string {
  return ageOf(firstTimestamp ?? eventTime, nowMs);
}

function lastSeen(event: CoreEvent, nowMs: number): string {
  if (event.series) return ageOf(event.series.lastObservedTime, nowMs);
  return event.lastTimestamp ? ageOf(event.lastTimestamp, nowMs) : firstSeen(event, nowMs);
}

function formatSource({ source, reportingComponent, reportingInstance }: CoreEvent): string {
  const component = source?.component || (reportingComponent ?? '');
  const instance = source?.host || (reportingInstance ?? '');
  return instance === '' ? component : `${component}, ${instance}`;
}
