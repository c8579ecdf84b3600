/** The volumes of pods, and the way to open paths that a container can change. */
export { O_PATH, openBeneath, UnsafePathError, withDescriptor } from './beneath.ts';
export { createLocalPathCleaner, type LocalPathCleanerOptions } from './local-path-cleaner.ts';
export type { Mounter } from './mounter.ts';
export { createVolumeManager } from './volume-manager.ts';
