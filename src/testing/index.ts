/** The door of the testing room: a whole cluster in this process, on the machine's clock or on a virtual one. */
export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
export type { Change } from './changes.ts';
export { TestClusterError } from './errors.ts';
export { Faults, type LossRates } from './faults.ts';
export { type Death, MortalProcess, type MortalProcessOptions } from './mortal-process.ts';
export type { SimulatedNode, SimulatedNodeOptions } from './simulated-node.ts';
export type { ContainerUsage, UsageOf } from './simulated-usage.ts';
export { createTranscript, type Transcript } from './transcript.ts';
export { withoutRequests } from './without-requests.ts';
