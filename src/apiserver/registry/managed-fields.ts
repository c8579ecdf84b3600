/** placeholder until the apply room stands */
import { badRequest } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { FieldManagement } from './field-management.ts';

export function createFieldManagement(_clock: Clock): FieldManagement {
  return {
    update: (_view, live, next) => {
      if (live?.metadata.managedFields) next.metadata.managedFields = [...(live.metadata.managedFields as never[])];
    },
    apply: () => {
      throw badRequest('server-side apply is not supported');
    },
  };
}
