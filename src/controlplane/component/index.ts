/** The door of what every component that runs by itself shares: flags, connection, election, health and metrics. */
export { componentFlagFaults, componentFlags, type ComponentFlagValues, type ElectionTimes, electionTimes } from './component-flags.ts';
export { type Connect, connectByKubeconfig, type ConnectionContext, type TransportRequest } from './connection.ts';
export { type ElectedOptions, fencedBy, leaderElectionCheck, runElected } from './election.ts';
export { type ComponentConfig, runElectedComponent, type Term } from './run-elected-component.ts';
export { ComponentError } from './errors.ts';
export { registerLeaderStatus } from './leader-status.ts';
export { readNamedFile } from './named-file.ts';
export { type ComponentServer, serveComponent, type ServingOptions } from './serving.ts';
export { type ServingAccess } from './delegated-access.ts';
export { servingAccess } from './serving-access.ts';
