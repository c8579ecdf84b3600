/**
 * In which order API groups and their versions are listed. Facts of upstream's table; a group that is not in it (a custom
 * resource's) comes after all of them, by name. The first version of a group is the one that clients prefer.
 * @source kubernetes pkg/controlplane/apiserver/aggregator.go DefaultGenericAPIServicePriorities; apimachinery pkg/version CompareKubeAwareVersionStrings
 */

const groupPriorities: Readonly<Record<string, number>> = {
  'apiregistration.k8s.io': 20_000,
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'internal.apiserver.k8s.io': 16_000,
  'resource.k8s.io': 15_900,
  'storagemigration.k8s.io': 15_800,
  // As metrics-server's own APIService asks.
  'metrics.k8s.io': 100,
};

/** What a group without a place of its own has. */
const otherGroups = 1000;

export function compareGroups(a: string, b: string): number {
  const byPriority = (groupPriorities[b] ?? otherGroups) - (groupPriorities[a] ?? otherGroups);
  if (byPriority !== 0) return byPriority;
  return a < b ? -1 : Number(a > b);
}

/** Stable before beta before alpha, the greater number first; what is no version of that form comes last, by name. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  if (!left || !right) {
    if (left || right) return left ? -1 : 1;
    return a < b ? -1 : Number(a > b);
  }
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor;
}

function parseVersion(version: string): { readonly major: number; readonly stability: number; readonly minor: number } | undefined {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version);
  if (!match) return undefined;
  const stability = match[2] === 'alpha' ? 0 : match[2] === 'beta' ? 1 : 2;
  return { major: Number(match[1]), stability, minor: Number(match[3] ?? 0) };
}
