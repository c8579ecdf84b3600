/** The configuration cannot be used; every fault is named. */

export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}
