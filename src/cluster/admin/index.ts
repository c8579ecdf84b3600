/** The door to the administrator's client of a cluster that runs. */
export { openAdminClient, type OpenedClient } from '../admin-client.ts';
