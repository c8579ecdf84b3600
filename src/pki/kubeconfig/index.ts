/** The door to kubeconfigs; apart from the rest of the room because it brings a YAML library along. */
export {
  buildKubeconfig,
  type Connection,
  formatKubeconfig,
  type Kubeconfig,
  type KubeconfigCluster,
  type KubeconfigContext,
  type KubeconfigEntry,
  type KubeconfigUser,
  mergeKubeconfigs,
  parseKubeconfig,
  resolveContext,
} from './kubeconfig.ts';
