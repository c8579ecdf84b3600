/** ServiceAccount: the identity that pods run as. Its token is a subresource. @source pkg/registry/core/serviceaccount, v1.35 */
import type { ServiceAccount } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { customSubresource, defineResource } from '../define-resource.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';

export const serviceAccountResource: ResourceDefinition = defineResource<ServiceAccount>({
  ref: corev1Resources.serviceaccounts,
  shortNames: ['sa'],
  subresources: [customSubresource('token', ['create'], { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' })],
  columns: [
    nameColumn,
    column('Secrets', 'string', 'How many secrets pods of the account may use.', ({ secrets }) => secrets?.length ?? 0),
    ageColumn,
  ],
  strategy: { validate: () => [], validateUpdate: () => [] },
});
