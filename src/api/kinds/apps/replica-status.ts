/** Counts of pods in a status. @source pkg/apis/apps/validation ValidateReplicaSetStatus, core ValidateReplicationControllerStatus, v1.35 */
import type { FieldError } from '../../errors.ts';
import { invalidValue } from '../../field-errors.ts';
import { nonNegativeErrors } from './pod-template-rules.ts';

export interface ReplicaCounts {
  readonly replicas?: number;
  readonly fullyLabeledReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly observedGeneration?: number;
  readonly terminatingReplicas?: number;
}

/** The counts of ReplicaSet and ReplicationController: no part is larger than the whole. */
export function replicaStatusErrors(status: ReplicaCounts): FieldError[] {
  const { replicas = 0, fullyLabeledReplicas = 0, readyReplicas = 0, availableReplicas = 0, observedGeneration = 0 } = status;
  const errors = [
    ...nonNegativeErrors('status.replicas', replicas),
    ...nonNegativeErrors('status.fullyLabeledReplicas', fullyLabeledReplicas),
    ...nonNegativeErrors('status.readyReplicas', readyReplicas),
    ...nonNegativeErrors('status.availableReplicas', availableReplicas),
    ...nonNegativeErrors('status.observedGeneration', observedGeneration),
  ];
  if (status.terminatingReplicas !== undefined) errors.push(...nonNegativeErrors('status.terminatingReplicas', status.terminatingReplicas));
  const tooMany = 'cannot be greater than status.replicas';
  if (fullyLabeledReplicas > replicas) errors.push(invalidValue('status.fullyLabeledReplicas', fullyLabeledReplicas, tooMany));
  if (readyReplicas > replicas) errors.push(invalidValue('status.readyReplicas', readyReplicas, tooMany));
  if (availableReplicas > replicas) errors.push(invalidValue('status.availableReplicas', availableReplicas, tooMany));
  if (availableReplicas > readyReplicas) {
    errors.push(invalidValue('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'));
  }
  return errors;
}
