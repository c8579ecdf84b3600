/** Why a number of replicas could not be computed, in the words that conditions and events show. */
export class AutoscalingError extends Error {
  override readonly name = 'AutoscalingError';
}
