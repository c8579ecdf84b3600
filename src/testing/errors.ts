/** What the simulated cluster refuses or does not reach. */
export class TestClusterError extends Error {
  override readonly name = 'TestClusterError';
}
