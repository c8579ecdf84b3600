/** The door of the CRI engine. */
export { createCriRuntime, type CriOptions } from './cri-runtime.ts';
