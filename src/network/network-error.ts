/** Why a node has no pod network: something about the node or its configuration that somebody has to change. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
}
