/** A further version of a kind whose fields are the same in both: the stored objects are those of the version that it is made from. */
import { apiVersionOf, type ResourceRef } from '../resource-ref.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

/** @param deprecation what every answer warns of */
export function otherVersion(stored: ResourceDefinition, ref: ResourceRef, deprecation: string): ResourceDefinition {
  const [apiVersion, storedVersion] = [apiVersionOf(ref), apiVersionOf(stored)];
  return {
    ...stored,
    version: ref.version,
    schema: stored.schema.replace(`.${stored.version}.`, `.${ref.version}.`),
    storage: {
      ...stored.storage,
      toStorage: (object) => ({ ...object, apiVersion: storedVersion }),
      fromStorage: (object) => ({ ...object, apiVersion }),
    },
    deprecation,
  };
}
