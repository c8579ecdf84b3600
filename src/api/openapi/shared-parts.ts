/** What the documents of OpenAPI 2 and 3 have in common around their operations. */
import type { JsonObject } from '../object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

export function documentInfo(serverVersion: string): JsonObject {
  return { title: 'Kubernetes', version: serverVersion };
}

export const answerDescriptions: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  401: 'Unauthorized',
};

const one: readonly string[] = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const many: readonly string[] = [...one, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

/** In what forms an object, or a list that can be watched, is answered. */
export function objectMediaTypes(watchable: boolean): readonly string[] {
  return watchable ? many : one;
}

/** The group versions of these resources, each once. */
export function groupVersionsOf(resources: readonly ResourceDefinition[]): { readonly group: string; readonly version: string }[] {
  const found = new Map(resources.map(({ group, version }) => [`${group}/${version}`, { group, version }]));
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, groupVersion]) => groupVersion);
}
