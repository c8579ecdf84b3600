/** ServiceAccount: the identity that pods run as. Its token is a subresource. @source pkg/registry/core/serviceaccount/strategy.go, v1.35 */
import type { ServiceAccount } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import type { Draft } from '../../object.ts';
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
  strategy: {
    prepareForCreate: keepNamesOfSecrets,
    prepareForUpdate: keepNamesOfSecrets,
    validate: () => [],
    validateUpdate: () => [],
    warnings: (account, old) =>
      isLimited(account) && !(old && isLimited(old))
        ? [
            `metadata.annotations[${limitedAnnotation}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
          ]
        : [],
  },
});

const limitedAnnotation = 'kubernetes.io/enforce-mountable-secrets';

function isLimited({ metadata }: ServiceAccount): boolean {
  return metadata.annotations?.[limitedAnnotation] !== undefined;
}

/** A reference to a secret is its name; what else it could say is not looked at. */
function keepNamesOfSecrets(account: Draft<ServiceAccount>): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}
