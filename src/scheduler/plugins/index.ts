/** The plugins that come with the scheduler. */
export { defaultPlugins, defaultWeights } from './old/index.ts';
export { defaultPluginSet, inTreePlugins } from './registry.ts';
