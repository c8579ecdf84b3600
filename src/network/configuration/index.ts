/** The door of the pod network's configuration, for those who take it from a user and keep it. */
export * from './network-configuration.ts';
