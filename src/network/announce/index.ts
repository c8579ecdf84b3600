/** The door of the announcer of load balancer addresses. */
export { type AnnouncerConfig, startAnnouncer } from './announcer.ts';
