/**
 * What upstream's library answered to generated applies and updates, held against ours: who manages which fields, what an apply makes
 * of the object, and every error. The recorded answers are facts; how they were made stands in the file.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ApiError } from '../errors.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import { definitionOfKind } from '../schema/index.ts';
import { applyPatch } from './apply-patch.ts';
import type { ManagedFieldsEntry } from './managers.ts';
import { updateManagedFields } from './update-managed-fields.ts';

type RecordedManager = readonly [manager: string, operation: string, subresource: string, fields: JsonObject];

interface Recorded {
  readonly apiVersion: string;
  readonly kind: string;
  readonly manager: string;
  readonly subresource: string;
  readonly force: boolean;
  readonly reset: readonly string[];
  readonly live: JsonObject;
  /** Of an apply. */
  readonly patch?: JsonObject;
  /** Of an update. */
  readonly updated?: JsonObject;
  readonly error?: string;
  readonly managers?: readonly RecordedManager[];
  readonly object?: JsonObject;
}

const file = readFileSync(new URL('testdata/recorded-ownership.json', import.meta.url), 'utf8');
const { cases } = JSON.parse(file) as { readonly cases: readonly Recorded[] };

test.each(cases.map((one, index) => [`${index}: ${one.kind} by ${one.manager}`, one] as const))('%s', (_name, one) => {
  expect(answerTo(one)).toEqual({
    ...(one.error !== undefined && { error: sortedLines(one.error) }),
    ...(one.managers && { managers: one.managers.toSorted(byText) }),
    ...(one.object && { object: said(one.object) }),
  });
});

function answerTo(one: Recorded): { error?: string; managers?: RecordedManager[]; object?: JsonValue | undefined } {
  const [group, version] = one.apiVersion.includes('/') ? (one.apiVersion.split('/') as [string, string]) : ['', one.apiVersion];
  const context = {
    definition: definitionOfKind({ group, version, kind: one.kind })!,
    apiVersion: one.apiVersion,
    manager: one.manager,
    subresource: one.subresource,
    resetFields: one.reset,
    nowIso: '2030-01-01T00:00:00Z',
    live: one.live,
  };
  try {
    if (one.updated) return { managers: managersOf(updateManagedFields({ ...context, updated: one.updated })) };
    const { object } = applyPatch({ ...context, patch: one.patch!, kind: one.kind, force: one.force });
    const { managedFields = [], ...metadata } = object['metadata'] as JsonObject;
    return { managers: managersOf(managedFields as unknown as readonly ManagedFieldsEntry[]), object: said({ ...object, metadata }) };
  } catch (error) {
    if (error instanceof ApiError) return { error: sortedLines(error.message) };
    throw error;
  }
}

function managersOf(list: readonly ManagedFieldsEntry[]): RecordedManager[] {
  return list
    .map(
      ({ manager = '', operation = '', subresource = '', fieldsV1 = {} }) => [manager, operation, subresource, fieldsV1] as RecordedManager,
    )
    .toSorted(byText);
}

/** Without times, the order of entries is not told here. */
function byText(a: RecordedManager, b: RecordedManager): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

/** Upstream tells several faults in the order of a Go map. */
function sortedLines(message: string): string {
  return message.split('\n').sort().join('\n');
}

/** A value without what is zero: Go writes some of that always, and some never. */
function said(value: JsonValue): JsonValue | undefined {
  if (value === null || value === '' || value === 0 || value === false) return undefined;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.length === 0 ? undefined : (value as readonly JsonValue[]).map((item) => said(item) ?? null);
  const members = Object.entries(value).flatMap(([key, inner]: readonly [string, JsonValue]) => {
    const kept = said(inner);
    return kept === undefined ? [] : [[key, kept] as const];
  });
  return members.length === 0 ? undefined : Object.fromEntries(members);
}
