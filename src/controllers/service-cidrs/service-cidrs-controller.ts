/**
 * Ranges of Services: says that each is ready, and lets one go only when no Service would be left with an address of no range.
 * @source pkg/controller/servicecidrs/servicecidrs_controller.go, v1.35
 */
import { getCondition, isApiError, type metav1, type networkingv1, networkingv1Resources } from '../../api/index.ts';
import { type Ctx, formatTime } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { mayGo, overlapping, rangesOfAddress } from './ranges.ts';

type ServiceCIDR = networkingv1.ServiceCIDR;
type Condition = Pick<metav1.Condition, 'status' | 'reason' | 'message'>;

const { ipaddresses, servicecidrs } = networkingv1Resources;
const finalizer = 'networking.k8s.io/service-cidr-finalizer';
/** How long a range stays when it may go: allocators must have heard of it. */
const graceMs = 10_000;

const ready: Condition = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' };
const inUse: Condition = {
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

export function createServiceCidrsController({ client, informers, clock }: ControllerContext): Controller {
  const ranges = informers.informer(servicecidrs);
  const addresses = informers.informer(ipaddresses, { labelSelector: 'ipaddress.kubernetes.io/managed-by=ipallocator.k8s.io' });

  const setup = (enqueue: (key: string) => void): void => {
    const wakeAll = (range: ServiceCIDR): void => overlapping(ranges.list(), range).forEach(({ metadata }) => enqueue(metadata.name));
    ranges.addHandler({
      added: (range) => {
        enqueue(range.metadata.name);
        wakeAll(range);
      },
      updated: (_, { metadata }) => enqueue(metadata.name),
      deleted: wakeAll,
    });
    const wake = ({ metadata }: networkingv1.IPAddress): void =>
      rangesOfAddress(ranges.list(), metadata.name)
        // Only a range that is going cares who is in it.
        .filter((range) => range.metadata.deletionTimestamp !== undefined)
        .forEach((range) => enqueue(range.metadata.name));
    addresses.addHandler({ added: wake, deleted: wake });
  };

  const reconcile = async (name: string, { signal }: Ctx): Promise<Outcome> => {
    const range = ranges.get({ name });
    if (!range) return done;
    const { deletionTimestamp, finalizers = [] } = range.metadata;
    try {
      if (deletionTimestamp === undefined) {
        if (!finalizers.includes(finalizer)) await writeFinalizers(range, [...finalizers, finalizer], signal);
        if (getCondition(range.status.conditions, 'Ready')?.status !== 'True') await writeReady(range, ready, signal);
        return done;
      }
      if (
        !mayGo(
          range,
          ranges.list(),
          addresses.list().map(({ metadata }) => metadata.name),
        )
      ) {
        await writeReady(range, inUse, signal);
        return done;
      }
      const leftMs = graceMs - (clock.now() - Date.parse(deletionTimestamp));
      if (leftMs > 0) return { type: 'retryAfter', delayMs: leftMs };
      await writeFinalizers(
        range,
        finalizers.filter((one) => one !== finalizer),
        signal,
      );
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
    return done;
  };

  const writeFinalizers = async ({ metadata }: ServiceCIDR, finalizers: readonly string[], signal: AbortSignal): Promise<void> => {
    const { uid, resourceVersion, name } = metadata;
    const body = { metadata: { uid, resourceVersion, finalizers } };
    await client.patch(servicecidrs, { name }, { type: 'application/merge-patch+json', body }, { signal });
  };

  const writeReady = async ({ metadata, status }: ServiceCIDR, wanted: Condition, signal: AbortSignal): Promise<void> => {
    const before = getCondition(status.conditions, 'Ready');
    if (before?.status === wanted.status && before.reason === wanted.reason && before.message === wanted.message) return;
    const condition = { type: 'Ready', ...wanted, lastTransitionTime: formatTime(clock.now()) };
    const body = { metadata: { uid: metadata.uid }, status: { conditions: [condition] } };
    const patch = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
    await client.patch(servicecidrs, { name: metadata.name }, patch, { signal });
  };

  return { name: 'service-cidr-controller', reconcile, setup, workers: 1 };
}
