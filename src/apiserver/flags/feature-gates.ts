/**
 * `--feature-gates`: features turned on or off against their default. Only gates that something asks about can be set: a gate that would
 * change nothing is refused, so that nobody believes it did.
 */
import { defaultFeatureGates, featureEnabledByDefault } from '../../api/index.ts';
import { FlagValueError } from '../../api/flags/index.ts';

/** @throws FlagValueError for a gate that is not known, and for a feature that is not built */
export function featureGates(given: ReadonlyMap<string, boolean> = new Map()): (gate: string) => boolean {
  for (const [gate, enabled] of given) {
    if (!Object.hasOwn(defaultFeatureGates, gate)) {
      throw new FlagValueError(`unrecognized feature gate: ${gate}; this server has ${Object.keys(defaultFeatureGates).join(', ')}`);
    }
    if (enabled && unbuiltFeatures.has(gate)) throw new FlagValueError(`feature gate ${gate} is not supported: the feature is not built`);
  }
  return (gate) => given.get(gate) ?? featureEnabledByDefault(gate);
}

/** Their fields would be stored and nobody would act upon them. */
const unbuiltFeatures: ReadonlySet<string> = new Set([
  'ClusterTrustBundleProjection',
  'ContainerStopSignals',
  'CoordinatedLeaderElection',
  'DynamicResourceAllocation',
  'EnvFiles',
  'GenericWorkload',
  'PodCertificateRequest',
]);
