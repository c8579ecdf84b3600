/** Everything around the core that a cluster's API server has: discovery, health, tables, admission, addresses, subresources. */
import { Registry } from '../base/index.ts';
import { type AdmissionOptions, admissionExtension } from './admission/index.ts';
import { authenticationReviewsExtension } from './auth/reviews.ts';
import { type AllocatorOptions, allocatorsExtension, defaultServiceCidrs, firstServiceAddress } from './allocators/index.ts';
import { auditExtension } from './audit/index.ts';
import { type AdditionalPolicy, authorizationExtension } from './authorization/index.ts';
import { type BootstrapOptions, bootstrapExtension } from './bootstrap/index.ts';
import { type ComponentHealth, componentStatusExtension } from './component-statuses/index.ts';
import { discoveryExtension, gitVersion, kubernetesVersion, type VersionOptions } from './discovery/index.ts';
import type { ExtensionFactory } from './extension.ts';
import type { FlagValues } from './flags/index.ts';
import { flowControlExtension } from './flowcontrol/index.ts';
import { type HealthOptions, healthExtension, healthPaths, StartUpSteps } from './health/index.ts';
import { metricsApiExtension, type MetricsApiOptions } from './metrics-api/index.ts';
import { openApiExtension, openApiPaths, type OpenApiSource } from './openapi/index.ts';
import { schedulingApiExtension, type SchedulingExplainer } from './scheduling-api/index.ts';
import { handledSubresources, issuerDiscoveryPaths, type SubresourceOptions, subresourcesExtension } from './subresources/index.ts';
import { tableRenderer, tablesExtension } from './tables/index.ts';

export interface StandardExtensionOptions {
  /** Host and port under which clients reach the server, such as `10.0.0.1:6443`. */
  readonly serverAddress: () => string;
  readonly version: VersionOptions;
  readonly admission?: AdmissionOptions;
  readonly allocators?: AllocatorOptions;
  /** Roles and bindings that are kept beside the default policy. */
  readonly policy?: AdditionalPolicy;
  /** Components of the control plane that `componentstatuses` tells of, beside the store. */
  readonly components?: () => readonly ComponentHealth[];
  /** What flags of upstream's API server say about audit and flow control. */
  readonly flags?: FlagValues;
  readonly health?: Partial<Pick<HealthOptions, 'metrics' | 'checks' | 'steps'>>;
  /** Undefined: no subresource that needs a kubelet or a signing key. */
  readonly subresources?: Omit<SubresourceOptions, 'serverAddress'>;
  /** Tells what nodes use; undefined: `metrics.k8s.io` has no handler. */
  readonly usage?: MetricsApiOptions['source'];
  /** The scheduler, for `scheduling.knarr.dev`; undefined: that has no handler. */
  readonly explainScheduling?: SchedulingExplainer | undefined;
  /** Undefined: the objects of the system are not made. */
  readonly bootstrap?: Omit<BootstrapOptions, 'steps' | 'serviceIp' | 'serviceCidrs'> &
    Partial<Pick<BootstrapOptions, 'steps' | 'serviceIp' | 'serviceCidrs'>>;
  /** Default: documents made from the schema of the built-in kinds. */
  readonly openApi?: () => Promise<OpenApiSource>;
}

/** In the order in which they start: what is made at the start needs its addresses. */
export function standardExtensions(options: StandardExtensionOptions): ExtensionFactory[] {
  const steps = options.health?.steps ?? new StartUpSteps();
  const metrics = options.health?.metrics ?? new Registry();
  const { flags = {} } = options;
  const version = gitVersion(options.version.knarrVersion);
  const serviceCidrs = options.allocators?.serviceCidrs ?? defaultServiceCidrs;
  const serviceIp = firstServiceAddress(serviceCidrs[0] ?? '');
  const otherPaths = (): string[] => [
    ...healthPaths(steps),
    ...openApiPaths,
    ...(options.subresources?.signer.publicKeys ? issuerDiscoveryPaths : []),
  ];
  return [
    discoveryExtension({
      serverAddress: options.serverAddress,
      version: options.version,
      hasHandler: (name) => options.subresources !== undefined && handledSubresources.has(name),
      otherPaths,
    }),
    healthExtension({ ...options.health, metrics, steps, version: { ...kubernetesVersion, gitVersion: version } }),
    tablesExtension(),
    componentStatusExtension({ ...(options.components && { components: options.components }), tables: tableRenderer }),
    ...(options.usage ? [metricsApiExtension({ source: options.usage, tables: tableRenderer })] : []),
    ...(options.explainScheduling ? [schedulingApiExtension({ explain: options.explainScheduling, tables: tableRenderer })] : []),
    authenticationReviewsExtension(),
    admissionExtension({ metrics, configurationFile: flags['admission-control-config-file'], ...options.admission }),
    allocatorsExtension(options.allocators),
    authorizationExtension({ steps, ...(options.policy && { policy: options.policy }), flags }),
    ...(options.subresources ? [subresourcesExtension({ ...options.subresources, serverAddress: options.serverAddress })] : []),
    openApiExtension({ source: options.openApi ?? (() => builtinOpenApi(version)), serverVersion: version }),
    auditExtension({ flags, metrics }),
    flowControlExtension({
      prioritized: flags['enable-priority-and-fairness'],
      maxReading: flags['max-requests-inflight'],
      maxMutating: flags['max-mutating-requests-inflight'],
      requestTimeoutMs: flags['request-timeout'],
      metrics,
      steps,
      keepsObjects: options.bootstrap !== undefined,
    }),
    ...(options.bootstrap ? [bootstrapExtension({ serviceIp, serviceCidrs, ...options.bootstrap, steps })] : []),
  ];
}

/** Loaded late: most servers in tests are never asked for it. */
async function builtinOpenApi(serverVersion: string): Promise<OpenApiSource> {
  const { createOpenApiSource } = await import('../api/openapi/index.ts');
  return createOpenApiSource({ serverVersion });
}
