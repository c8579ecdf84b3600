/** The Secrets of a volume that a kubelet needs to mount it. @source pkg/api/v1/persistentvolume/util.go VisitPVSecretNames, v1.35 */
import type { corev1 } from '../../../api/index.ts';

export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** References without a namespace are in the claim's. */
export function volumeSecretsOf({ spec }: corev1.PersistentVolume): SecretName[] {
  const home = spec.claimRef?.namespace ?? '';
  const { azureFile, cephfs, cinder, csi, flexVolume, iscsi, rbd, scaleIO, storageos } = spec;
  const references = [
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace },
    cephfs?.secretRef,
    cinder?.secretRef,
    flexVolume?.secretRef,
    rbd?.secretRef,
    scaleIO?.secretRef,
    iscsi?.secretRef,
    storageos?.secretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ];
  return references.flatMap((reference) => (reference?.name ? [{ name: reference.name, namespace: reference.namespace || home }] : []));
}
