/** The door to files of configuration that a person writes: reading one with all its faults told, and following its changes. */
export { type ConfigNode, ConfigReader } from './config-reader.ts';
export { followFile } from './follow-file.ts';
