/** Everything around the core that a cluster's API server has: discovery, health, tables, admission, addresses, subresources. */
import { type AdmissionOptions, admissionExtension } from './admission/index.ts';
import { type AllocatorOptions, allocatorsExtension } from './allocators/index.ts';
import { discoveryExtension, type VersionOptions, versionInfo } from './discovery/index.ts';
import type { ExtensionFactory } from './extension.ts';
import { type HealthOptions, healthExtension, StartUpSteps } from './health/index.ts';
import { type SubresourceOptions, subresourcesExtension } from './subresources/index.ts';
import { tablesExtension } from './tables/index.ts';

export interface StandardExtensionOptions {
  /** Host and port under which clients reach the server, such as `10.0.0.1:6443`. */
  readonly serverAddress: () => string;
  readonly version: VersionOptions;
  readonly admission?: AdmissionOptions;
  readonly allocators?: AllocatorOptions;
  readonly health?: Partial<Pick<HealthOptions, 'metrics' | 'checks' | 'steps'>>;
  /** Undefined: no subresource that needs a kubelet or a signing key. */
  readonly subresources?: SubresourceOptions;
}

export function standardExtensions(options: StandardExtensionOptions): ExtensionFactory[] {
  const { major, minor, gitVersion } = versionInfo(options.version) as Record<'major' | 'minor' | 'gitVersion', string>;
  return [
    discoveryExtension({ serverAddress: options.serverAddress, version: options.version, otherPaths: () => [] }),
    healthExtension({ steps: new StartUpSteps(), version: { major, minor, gitVersion }, ...options.health }),
    tablesExtension(),
    admissionExtension(options.admission),
    allocatorsExtension(options.allocators),
    ...(options.subresources ? [subresourcesExtension(options.subresources)] : []),
  ];
}
