/** What a cluster of this Knarr says it is. */
import { knarrVersion } from '../base/index.ts';

export { knarrVersion };

/** What `/version` says; a hyphen in it would break version constraints of charts. */
export const kubernetesVersion: string = `v1.35.0+knarr.${knarrVersion}`;
