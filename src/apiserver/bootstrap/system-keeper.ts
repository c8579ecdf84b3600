/**
 * Keeps the system's own objects in the cluster: makes what is missing and mends what leads nowhere. Reads come from the cache,
 * so a look that finds everything in place costs nothing; nothing of an administrator's is taken away.
 */
import {
  corev1Resources,
  discoveryv1Resources,
  type Draft,
  isApiError,
  type KubeObject,
  type metav1,
  networkingv1Resources,
  type ResourceRef,
  schedulingv1Resources,
  setCondition,
  type Unsaved,
} from '../../api/index.ts';
import { defaultServiceCidrName } from '../allocators/index.ts';
import type { Operation, Registry } from '../storage.ts';
import {
  authenticationConfigMap,
  awaitsReady,
  endpointsTargets,
  kubernetesEndpoints,
  kubernetesEndpointSlice,
  kubernetesService,
  kubernetesServiceCidr,
  lacksSecondFamily,
  leadsTo,
  namespaceNamed,
  type ServerAddress,
  sliceTargets,
  systemNamespaces,
  systemPriorityClasses,
  tokenTrackingConfigMap,
} from './system-objects.ts';

const { configmaps, endpoints, namespaces, services } = corev1Resources;
const { endpointslices } = discoveryv1Resources;
const { servicecidrs } = networkingv1Resources;
const options = { fieldManager: 'kube-apiserver' } as const;

export interface SystemKeeperOptions {
  /** Undefined while nothing is listened on: then there is no Service to keep. */
  readonly address: () => ServerAddress | undefined;
  /** First address of the service range. */
  readonly serviceIp: string;
  /** The service ranges. */
  readonly serviceCidrs: readonly string[];
  /** The time as the API writes it. */
  readonly now: () => string;
  /** PEM of the authority that signs clients' certificates. */
  readonly clientCa: string | undefined;
}

export class SystemKeeper {
  readonly #registry: Registry;
  readonly #op: Operation;
  readonly #options: SystemKeeperOptions;

  constructor(registry: Registry, op: Operation, keeperOptions: SystemKeeperOptions) {
    this.#registry = registry;
    this.#op = op;
    this.#options = keeperOptions;
  }

  /** @throws ApiError when the registry refuses */
  async keepNamespaces(): Promise<void> {
    for (const name of systemNamespaces) await this.#ensure(namespaces, namespaceNamed(name));
    const { clientCa } = this.#options;
    if (clientCa === undefined) return;
    const wanted = authenticationConfigMap(clientCa);
    const stored = await this.#ensure(configmaps, wanted);
    if (stored?.data?.['client-ca-file'] === clientCa || stored === undefined) return;
    await this.#change(configmaps, stored, (draft) => {
      draft.data = { ...draft.data, ...wanted.data };
    });
  }

  /** A date that cannot be read begins anew. @source pkg/controlplane/controller/legacytokentracking, v1.35 */
  async keepTokenTracking(): Promise<void> {
    const today = this.#options.now().slice(0, 'YYYY-MM-DD'.length);
    const stored = await this.#ensure(configmaps, tokenTrackingConfigMap(today));
    if (!stored || isDate(stored.data?.['since'] ?? '')) return;
    await this.#change(configmaps, stored, (draft) => {
      draft.data = { ...draft.data, since: today };
    });
  }

  async keepPriorityClasses(): Promise<void> {
    for (const priorityClass of systemPriorityClasses) await this.#ensure(schedulingv1Resources.priorityclasses, priorityClass);
  }

  /** The configured range of Services as an object. One that says something else is an administrator's, and stays. */
  async keepServiceCidr(): Promise<void> {
    const { serviceCidrs, now } = this.#options;
    if (!this.#registry.definition(servicecidrs.group, servicecidrs.version, servicecidrs.plural)) return;
    await this.#ensure(servicecidrs, kubernetesServiceCidr(serviceCidrs));
    const stored = this.#registry.cached(servicecidrs, { namespace: '', name: defaultServiceCidrName });
    if (stored && lacksSecondFamily(stored, serviceCidrs)) {
      await this.#change(servicecidrs, stored, (draft) => {
        draft.spec.cidrs = [...serviceCidrs];
      });
      return;
    }
    if (!stored || !awaitsReady(stored, serviceCidrs)) return;
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: '',
      message: 'Kubernetes default Service CIDR is ready',
      lastTransitionTime: now(),
    } as const;
    await this.#registry.storage(servicecidrs).guaranteedUpdate(
      { namespace: '', name: defaultServiceCidrName },
      (draft) => {
        draft.status = { conditions: setCondition<Draft<metav1.Condition>>(draft.status.conditions, condition) };
      },
      { fieldManager: 'kubernetes-service-cidr-controller', subresource: 'status' },
      this.#op,
    );
  }

  /** The Service `default/kubernetes`, its Endpoints and its EndpointSlice. */
  async keepService(): Promise<void> {
    const address = this.#options.address();
    if (!address) return;
    const wanted = kubernetesService(this.#options.serviceIp, address);
    const service = await this.#ensure(services, wanted);
    if (service && !leadsTo(service, address)) {
      await this.#change(services, service, (draft) => {
        draft.spec.ports = structuredClone(wanted.spec.ports ?? []) as typeof draft.spec.ports & object;
      });
    }
    const [wantedEndpoints, wantedSlice] = [kubernetesEndpoints([address.ip], address), kubernetesEndpointSlice([address.ip], address)];
    const stored = await this.#ensure(endpoints, wantedEndpoints);
    if (stored && endpointsTargets(stored) !== endpointsTargets(wantedEndpoints)) {
      await this.#change(endpoints, stored, (draft) => Object.assign(draft, { subsets: wantedEndpoints.subsets }));
    }
    const slice = await this.#ensure(endpointslices, wantedSlice);
    if (slice && sliceTargets(slice) !== sliceTargets(wantedSlice)) {
      await this.#change(endpointslices, slice, (draft) =>
        Object.assign(draft, { endpoints: wantedSlice.endpoints, ports: wantedSlice.ports }),
      );
    }
  }

  /** The stored object, or undefined when it was made just now or its kind is not served. */
  async #ensure<T extends KubeObject>(resource: ResourceRef<T>, wanted: Unsaved<T>): Promise<T | undefined> {
    const { name = '', namespace = '' } = wanted.metadata;
    if (!this.#registry.definition(resource.group, resource.version, resource.plural)) return undefined;
    const stored = this.#registry.cached(resource, { namespace, name });
    if (stored) return stored;
    try {
      // A new object needs no more than this; the registry fills in the rest.
      await this.#registry.storage(resource).create(structuredClone(wanted) as unknown as Draft<T>, { ...options, namespace }, this.#op);
    } catch (error) {
      // Another API server of the cluster was faster.
      if (!isApiError(error, 'AlreadyExists')) throw error;
    }
    return undefined;
  }

  async #change<T extends KubeObject>(resource: ResourceRef<T>, stored: T, change: (draft: Draft<T>) => void): Promise<void> {
    const { name, namespace = '' } = stored.metadata;
    await this.#registry.storage(resource).guaranteedUpdate({ namespace, name }, change, options, this.#op);
  }
}

function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}
