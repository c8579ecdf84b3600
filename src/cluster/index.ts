/** The door of the cluster room, light on purpose: what a command needs to know before it loads anything. */
export { ClusterError } from './cluster-error.ts';
export {
  type ClusterRecord,
  type ComponentFlags,
  type EngineOptions,
  listClusterRecords,
  mergeFlags,
  type PublishedPort,
  readClusterRecord,
} from './cluster-record.ts';
export { findProgram, ingressRequirements, missingRequirements, type Requirement, requirements } from './engine/programs.ts';
export { clusterNameFault, clusterPaths, type ClusterPaths, knarrHome, makePrivateDirectory, nodePaths } from './home.ts';
export { nodesOn } from './nodes/power.ts';
export { kubernetesVersion, knarrVersion } from './version.ts';
