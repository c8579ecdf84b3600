/** The door of flow control. */
export { Overloaded } from './overloaded.ts';
export type { FlowControl, FlowRequest, Seat } from './flow-control.ts';
