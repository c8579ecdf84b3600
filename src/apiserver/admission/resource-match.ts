/** Which requests a plugin is asked about. */
import type { ResourceDefinition, ResourceRef } from '../../api/index.ts';

/** Whether a definition is the resource of a handle, whatever the version. */
export function isResource(resource: ResourceDefinition, ref: Pick<ResourceRef, 'group' | 'plural'>): boolean {
  return resource.group === ref.group && resource.plural === ref.plural;
}
