/** What `/version` says: a Kubernetes version with Knarr's own number as build metadata, which semantic versions ignore in order. */
import type { JsonObject } from '../../api/index.ts';

export interface VersionOptions {
  /** Knarr's own version, such as `0.1.0`. */
  readonly knarrVersion: string;
  /** Commit that was built; `unknown` when it is not a build. */
  readonly gitCommit?: string;
  /** RFC 3339; the Unix epoch when it is not a build. */
  readonly buildDate?: string;
}

/** The Kubernetes version whose API is served. */
export const kubernetesVersion = { major: '1', minor: '35', patch: '0' } as const;

/** `v1.35.0+knarr.0.1.0`: no hyphen, which would mark a pre-release and fail the constraints of charts. */
export function gitVersion(knarrVersion: string): string {
  const { major, minor, patch } = kubernetesVersion;
  return `v${major}.${minor}.${patch}+knarr.${knarrVersion.replaceAll('-', '.')}`;
}

/** The answer of `/version`. @source apimachinery pkg/version Info */
export function versionInfo(options: VersionOptions): JsonObject {
  const { major, minor } = kubernetesVersion;
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: gitVersion(options.knarrVersion),
    gitCommit: options.gitCommit ?? 'unknown',
    gitTreeState: 'clean',
    buildDate: options.buildDate ?? '1970-01-01T00:00:00Z',
    // Clients print these two and compare neither.
    goVersion: `node${process.versions.node}`,
    compiler: 'v8',
    platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}
