/** What goes wrong with a cluster in a way that a person can mend: the command prints the message and ends with exit code 1. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}
