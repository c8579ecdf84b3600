/** Which engines mount images as volumes. The engine does not say so itself: an older containerd fails on an empty path instead. */
import type { RuntimeVersion } from '../runtime/runtime.ts';

const containerdMinimum = { major: 2, minor: 1 };

/** @returns why this engine mounts no images; undefined: it does, or nobody knows */
export function imageVolumesRefusal(version: Pick<RuntimeVersion, 'name' | 'version'> | undefined): string | undefined {
  if (version?.name !== 'containerd') return undefined;
  const match = /^v?(\d+)\.(\d+)/.exec(version.version);
  if (!match) return undefined;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major > containerdMinimum.major || (major === containerdMinimum.major && minor >= containerdMinimum.minor)) return undefined;
  return `image volumes are not supported by containerd ${version.version}: 2.1 or newer is needed`;
}
