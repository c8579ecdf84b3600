/** The names by which both halves of the local-path provisioner know their volumes: one makes the objects, the other the directories. */

export const localPath = {
  /** `provisioner` of the class, and who its volumes say they were provisioned by. */
  provisioner: 'knarr.io/local-path',
  /** Label of a volume: the node that has its directory. */
  nodeLabel: 'knarr.io/local-path-node',
  /** Keeps a volume until its directory is gone. @source sig-storage-lib-external-provisioner */
  finalizer: 'external-provisioner.volume.kubernetes.io/finalizer',
} as const;
