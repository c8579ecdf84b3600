/**
 * CSIDriver: what a storage driver wants of the cluster.
 * @source pkg/apis/storage/validation/validation.go, v1/defaults.go, pkg/registry/storage/csidriver/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addUnsupported, duplicate, invalidValue, notSupported } from '../../field-errors.ts';
import { storagev1Resources } from '../../gen/resources.ts';
import type { CSIDriver, TokenRequest } from '../../gen/storage-v1.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { immutableField } from '../immutable.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';

const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;
const minUpdatePeriodSeconds = 10;

export const csiDriverResource: ResourceDefinition = defineResource<CSIDriver>({
  ref: storagev1Resources.csidrivers,
  columns: [
    nameColumn,
    column('AttachRequired', 'boolean', 'Whether volumes are attached to nodes first.', ({ spec }) => spec.attachRequired ?? true),
    column('PodInfoOnMount', 'boolean', 'Whether it is told which pod mounts.', ({ spec }) => spec.podInfoOnMount ?? false),
    column('StorageCapacity', 'boolean', 'Whether it tells how much is free.', ({ spec }) => spec.storageCapacity ?? false),
    column(
      'TokenRequests',
      'string',
      'The audiences of the tokens that it gets.',
      ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>',
    ),
    column('RequiresRepublish', 'boolean', 'Whether it is called again and again.', ({ spec }) => spec.requiresRepublish ?? false),
    column('Modes', 'string', 'The kinds of volumes that it has.', ({ spec }) => spec.volumeLifecycleModes?.join(',') || '<none>'),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (driver) => {
      driver.spec ??= {};
      const { spec } = driver;
      spec.attachRequired ??= true;
      spec.podInfoOnMount ??= false;
      spec.storageCapacity ??= false;
      spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
      if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
      spec.requiresRepublish ??= false;
      spec.seLinuxMount ??= false;
    },
    validate: validateDriver,
    validateUpdate: (driver, old) => [
      ...validateDriver(driver),
      // The path is upstream's spelling.
      ...immutableField('spec.attachedRequired', driver.spec.attachRequired, old.spec.attachRequired),
      ...immutableField('spec.volumeLifecycleModes', driver.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes),
    ],
    allowUnconditionalUpdate: false,
  },
});

function validateDriver({ spec }: CSIDriver): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.fsGroupPolicy !== undefined) {
    addUnsupported(errors, 'spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']);
  }
  validateTokenRequests(spec.tokenRequests ?? [], errors);
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (mode !== 'Persistent' && mode !== 'Ephemeral') {
      errors.push(notSupported('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']));
    }
  }
  const { nodeAllocatableUpdatePeriodSeconds: period, serviceAccountTokenInSecrets: inSecrets } = spec;
  if (period !== undefined && period < minUpdatePeriodSeconds) {
    errors.push(invalidValue('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds'));
  }
  if (inSecrets !== undefined && !spec.tokenRequests?.length) {
    const detail = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
    errors.push(invalidValue('spec.serviceAccountTokenInSecrets', inSecrets, detail));
  }
  return errors;
}

function validateTokenRequests(requests: readonly TokenRequest[], errors: FieldError[]): void {
  const audiences = new Set<string>();
  for (const [i, { audience = '', expirationSeconds }] of requests.entries()) {
    const path = `spec.tokenRequests[${i}]`;
    if (audiences.has(audience)) {
      errors.push(duplicate(`${path}.audience`, audience));
      continue;
    }
    audiences.add(audience);
    if (expirationSeconds === undefined) continue;
    const at = `${path}.expirationSeconds`;
    if (expirationSeconds < minTokenSeconds) {
      errors.push(invalidValue(at, expirationSeconds, 'may not specify a duration less than 10 minutes'));
    }
    if (expirationSeconds > maxTokenSeconds) {
      errors.push(invalidValue(at, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'));
    }
  }
}
