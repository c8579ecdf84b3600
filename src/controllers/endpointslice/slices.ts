/** What every slice that this house writes has around its endpoints: labels, owner, trigger time; and how a plan is carried out. */
import { type discoveryv1, discoveryv1Resources, isApiError, type metav1 } from '../../api/index.ts';
import type { ControllerContext } from '../../client/index.ts';
import type { CaughtUp } from '../caught-up.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { triggerTimeAnnotation } from '../service-endpoints/trigger-times.ts';
import type { SlicePlan } from './pack.ts';

type Slice = discoveryv1.EndpointSlice;

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const headlessLabel = 'service.kubernetes.io/headless';

/** The frame that the slices of one Service share. */
export interface SliceFrame {
  readonly namespace: string | undefined;
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: metav1.OwnerReference;
}

/** The labels of an object that its slices mirror. */
export function mirroredLabels(labels: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const reserved = new Set([serviceNameLabel, managedByLabel, headlessLabel]);
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([name]) => !reserved.has(name)));
}

export function isOutdated({ metadata }: Slice, frame: SliceFrame): boolean {
  if (!semanticEqual(metadata.labels, frame.labels)) return true;
  if (frame.annotations && !semanticEqual(withoutTrigger(metadata.annotations), frame.annotations)) return true;
  return !(metadata.ownerReferences ?? []).some(({ uid }) => uid === frame.owner.uid);
}

function withoutTrigger(annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { [triggerTimeAnnotation]: _, ...rest } = annotations;
  return rest;
}

export interface WriteSlicesOptions {
  readonly frame: SliceFrame;
  readonly addressType: string;
  readonly triggerTime: string | undefined;
  readonly caughtUp: CaughtUp;
  /** The key that the writes are noted for. */
  readonly key: string;
  readonly signal: AbortSignal;
}

/** Carries out a plan. A slice that is gone meanwhile is left gone. */
export async function writeSlices(
  { client }: Pick<ControllerContext, 'client'>,
  plan: SlicePlan,
  options: WriteSlicesOptions,
): Promise<void> {
  const { frame, addressType, triggerTime, caughtUp, key, signal } = options;
  const annotations = { ...frame.annotations, ...(triggerTime !== undefined && { [triggerTimeAnnotation]: triggerTime }) };
  const { namespace, labels, owner } = frame;
  for (const { ports, endpoints } of plan.create) {
    const metadata = {
      generateName: `${frame.service}-`,
      ...(namespace !== undefined && { namespace }),
      labels,
      annotations,
      ownerReferences: [owner],
    };
    const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType, ports, endpoints } as const;
    caughtUp.wrote(key, await client.create(discoveryv1Resources.endpointslices, slice, { signal }));
  }
  for (const { slice, endpoints } of plan.update) {
    const metadata = {
      ...slice.metadata,
      labels,
      annotations: { ...withoutTrigger(slice.metadata.annotations), ...annotations },
      ownerReferences: [owner],
    };
    caughtUp.wrote(key, await client.update(discoveryv1Resources.endpointslices, { ...slice, metadata, endpoints }, { signal }));
  }
  for (const slice of plan.remove) {
    try {
      await client.delete(discoveryv1Resources.endpointslices, slice.metadata, { signal });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
    caughtUp.deleted(key, slice);
  }
}
