/**
 * Who owns the number of replicas, seen from a workload and from its Scale: one field in both, under two versions. An apply of the
 * Scale is merged with these, and what comes of it goes back into the workload's managedFields.
 * @source apimachinery util/managedfields/scalehandler.go
 */
import { apiVersionOf, type JsonObject } from '../../api/index.ts';
import { type ManagedFieldsEntry, readManagers, writeManagers } from '../../api/apply/index.ts';

type Entries = readonly ManagedFieldsEntry[];

const scaleVersion = apiVersionOf({ group: 'autoscaling', version: 'v1' });
const onlyReplicas: JsonObject = { 'f:spec': { 'f:replicas': {} } };

/** The owners of the number, as a Scale has them. @param apiVersion the workload's own; fields of others are not known here */
export function scaleOwners(entries: Entries, apiVersion: string): ManagedFieldsEntry[] {
  return entries
    .filter((entry) => entry.apiVersion === apiVersion && ownsReplicas(entry))
    .map((entry) => ({ ...entry, apiVersion: scaleVersion, fieldsV1: onlyReplicas }));
}

/** The workload's managedFields after the Scale's became `owners`: whoever is none of them owns the number no more. */
export function withScaleOwners(entries: Entries, owners: Entries, apiVersion: string): ManagedFieldsEntry[] {
  const byId = new Map(owners.map((owner) => [idOf(owner), owner]));
  const kept: ManagedFieldsEntry[] = [];
  for (const entry of entries) {
    const owner = byId.get(idOf(entry));
    if (!ownsReplicas(entry)) kept.push(entry);
    else if (!owner) kept.push(...withoutReplicas(entry));
    else {
      kept.push(owner.time === undefined ? entry : { ...entry, time: owner.time });
      byId.delete(idOf(entry));
    }
  }
  for (const owner of byId.values()) kept.push({ ...owner, apiVersion, fieldsV1: onlyReplicas });
  return writeManagers(readManagers(kept));
}

function idOf({ manager = '', operation = '', subresource = '' }: ManagedFieldsEntry): string {
  return `${operation}/${subresource}/${manager}`;
}

function specOf({ fieldsV1 }: ManagedFieldsEntry): JsonObject | undefined {
  // A field set is a tree of objects.
  return fieldsV1?.['f:spec'] as JsonObject | undefined;
}

function ownsReplicas(entry: ManagedFieldsEntry): boolean {
  return specOf(entry)?.['f:replicas'] !== undefined;
}

function withoutReplicas(entry: ManagedFieldsEntry): ManagedFieldsEntry[] {
  const { 'f:replicas': _, ...spec } = specOf(entry) ?? {};
  const { 'f:spec': __, ...others } = entry.fieldsV1 ?? {};
  const fieldsV1: JsonObject = Object.keys(spec).length > 0 ? { ...others, 'f:spec': spec } : others;
  return Object.keys(fieldsV1).length > 0 ? [{ ...entry, fieldsV1 }] : [];
}
