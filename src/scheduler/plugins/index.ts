/** The plugins that come with the scheduler. */
export { defaultPluginSet, inTreePlugins } from './registry.ts';
