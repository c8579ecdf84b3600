/**
 * How much a PersistentVolumeClaim takes of a quota: itself and its storage, in all and of its storage class.
 * @source pkg/quota/v1/evaluator/core/persistent_volume_claims.go, v1.35
 */
import type { PersistentVolumeClaim } from '../gen/core-v1.ts';
import type { ResourceAmounts } from '../pod-resources.ts';
import { type Quantity, quantityOf, tryParseQuantity } from '../quantity.ts';
import { isInClasses, objectCountName, type QuotaEvaluator, type QuotaWrite, type ScopeRequirement } from './evaluator.ts';

const countName = objectCountName('', 'persistentvolumeclaims');
const claimNames = ['persistentvolumeclaims', 'requests.storage'];
const classSuffix = '.storageclass.storage.k8s.io/';
const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

export const claimEvaluator: QuotaEvaluator<PersistentVolumeClaim> = {
  group: '',
  plural: 'persistentvolumeclaims',
  handles,
  matchesResource: (name) =>
    name === countName || claimNames.some((claimName) => name === claimName || name.endsWith(`${classSuffix}${claimName}`)),
  matchesScope,
  usage,
  frees: needsCount,
};

function handles({ operation, subresource, object, oldObject }: QuotaWrite): boolean {
  if (subresource === '') return operation === 'CREATE' || operation === 'UPDATE';
  // The evaluator is asked only for claims.
  return subresource === 'status' && needsCount(oldObject as PersistentVolumeClaim, object as PersistentVolumeClaim);
}

/** What is allocated, or which attributes its volume has, is another. */
function needsCount(old: PersistentVolumeClaim, claim: PersistentVolumeClaim): boolean {
  const [before, after] = [attributesClasses(old), attributesClasses(claim)];
  return (
    old.status?.allocatedResources?.['storage'] !== claim.status?.allocatedResources?.['storage'] ||
    before.size !== after.size ||
    [...before].some((name) => !after.has(name))
  );
}

function usage(claim: PersistentVolumeClaim): ResourceAmounts {
  const used: ResourceAmounts = new Map([
    ['persistentvolumeclaims', quantityOf(1)],
    [countName, quantityOf(1)],
  ]);
  const storageClass = claim.metadata.annotations?.[classAnnotation] ?? claim.spec.storageClassName ?? '';
  if (storageClass) used.set(`${storageClass}${classSuffix}persistentvolumeclaims`, quantityOf(1));
  const storage = storageOf(claim);
  if (!storage) return used;
  used.set('requests.storage', storage);
  if (storageClass) used.set(`${storageClass}${classSuffix}requests.storage`, storage);
  return used;
}

/** What is asked for, or what a resize has taken already when that is more; whole bytes. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const requested = tryParseQuantity(spec.resources?.requests?.['storage'] ?? 'none');
  const allocated = tryParseQuantity(status?.allocatedResources?.['storage'] ?? 'none');
  if (!requested) return undefined;
  return (allocated && allocated.compare(requested) > 0 ? allocated : requested).roundUp(0);
}

function matchesScope(scope: ScopeRequirement, claim: PersistentVolumeClaim): boolean {
  if (scope.scopeName !== 'VolumeAttributesClass') return false;
  const names = attributesClasses(claim);
  return names.size === 0 ? isInClasses(scope, undefined) : [...names].some((name) => isInClasses(scope, name));
}

/** The class that is asked for, that it has, and that it is on its way to. */
function attributesClasses({ spec, status }: PersistentVolumeClaim): ReadonlySet<string> {
  const names: readonly (string | undefined)[] = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return new Set(names.filter((name): name is string => name !== undefined && name !== ''));
}
