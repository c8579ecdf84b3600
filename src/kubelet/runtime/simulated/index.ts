/** The door of the simulated engine. */
export { type ContainerScript, createSimulatedRuntime, type SimulatedRuntime, type SimulatedRuntimeOptions } from './simulated-runtime.ts';
