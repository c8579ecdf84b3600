/** How admission says no: Forbidden, with the name that the object has or would get. @source apiserver pkg/admission/errors.go */
import { type ApiError, forbidden } from '../../api/index.ts';
import type { AdmissionRequest } from '../admission.ts';

export function refusal(request: AdmissionRequest, why: string): ApiError {
  const { group, plural: resource } = request.resource;
  return forbidden({ group, resource, name: nameOf(request) }, why);
}

/** A name that is still to be generated is told by its beginning. */
function nameOf({ name, object }: AdmissionRequest): string {
  return object?.metadata?.name || object?.metadata?.generateName || name || 'Unknown';
}
