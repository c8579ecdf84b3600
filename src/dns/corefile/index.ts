/** What is known of a cluster's Corefile without reading it: for those who do not answer names. */
export { corefileMap, defaultCorefile } from './default-corefile.ts';
