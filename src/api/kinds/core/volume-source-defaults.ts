/**
 * Defaults of volume sources that are the same wherever the source stands: in a pod, in a persistent volume, in an attachment.
 * @source pkg/apis/core/v1/defaults.go, v1.35
 */
import type { AzureDiskVolumeSource, HostPathVolumeSource } from '../../gen/core-v1.ts';
import type { Draft } from '../../object.ts';

/** The sources that have defaults, by their names in a pod's volume and in a PersistentVolume's spec. */
interface SourcesWithDefaults {
  hostPath?: Draft<HostPathVolumeSource>;
  iscsi?: { iscsiInterface?: string };
  rbd?: { pool?: string; user?: string; keyring?: string };
  azureDisk?: Draft<AzureDiskVolumeSource>;
  scaleIO?: { storageMode?: string; fsType?: string };
}

export function applyVolumeSourceDefaults({ hostPath, iscsi, rbd, azureDisk, scaleIO }: SourcesWithDefaults): void {
  if (hostPath) hostPath.type ??= '';
  if (iscsi) iscsi.iscsiInterface ||= 'default';
  if (rbd) {
    rbd.pool ||= 'rbd';
    rbd.user ||= 'admin';
    rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
    azureDisk.kind ??= 'Shared';
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned';
    scaleIO.fsType ||= 'xfs';
  }
}
