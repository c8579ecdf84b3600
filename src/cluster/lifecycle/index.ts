/** The door to a cluster's life on this machine: up, down, status, installing, images. */
export { deleteCluster, down, isUp } from '../down.ts';
export { buildImage, type EngineAddress, importArchive, loadImage } from '../images/images.ts';
export { installMissing } from '../install/install.ts';
export { clusterStatus, type ClusterStatus, proportionalBytes } from '../status.ts';
export { up, type UpOptions, type UpResult } from '../up.ts';
export { adminClient } from '../admin-client.ts';
export { ensureHelloImage, helloManifest, readHelloManifest } from '../hello-example.ts';
export { type ClientPrograms, fetchClientPrograms } from '../install/kubectl-package.ts';
