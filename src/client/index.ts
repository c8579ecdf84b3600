/** The door of the client room: transports, the typed client, informers, queues, the controller runtime, events and elections. */
export { createClient, draftOf, type CallOptions, type Client, type ListOptions, type ObjectKey } from './client.ts';
export { runControllers, type RunControllersOptions } from './controller-runtime.ts';
export { discover } from './discover.ts';
export { createEventRecorder, referenceTo, type EventRecorderOptions, type EventWriter } from './event-recorder.ts';
export { Expectations } from './expectations.ts';
export { fencedTransport, fenceHeader, formatFence, parseFence } from './fencing.ts';
export { breather } from './fairness.ts';
export { ConnectionError } from './https/connection-error.ts';
export type { TlsIdentity } from './https/connection-pool.ts';
export {
  createHttpsTransport,
  type HttpsTransport,
  type HttpsTransportOptions,
  type RawRequest,
  type RawResponse,
} from './https/https-transport.ts';
export { createInformerFactory, type InformerFactoryOptions } from './informer.ts';
export { runLeaderElection, type LeaderElectionOptions } from './leader-election.ts';
export * from './lister.ts';
export type * from './transport.ts';
export { untilAborted } from './until-aborted.ts';
export { createWorkQueue, type WorkQueue, type WorkQueueOptions } from './work-queue.ts';
