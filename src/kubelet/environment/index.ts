/** The environment of containers and the objects it is read from; volumes read from the same cache. */
export { createEnvironment } from './environment.ts';
export { DownwardFieldError, findContainer, metadataField, podField, type PodFacts, resourceField } from './downward-fields.ts';
export { expandReferences, expandSubPath, MissingVariablesError, variableMap } from './expansion.ts';
export { NotSyncedError, type ReferencedObjects, referencedObjects, type ReferencedObjectsDeps } from './referenced-objects.ts';
