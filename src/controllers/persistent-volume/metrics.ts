/**
 * How many claims and volumes there are and how many are bound, counted when somebody asks.
 * @source pkg/controller/volume/persistentvolume/metrics/metrics.go, v1.35
 */
import { type corev1, storageClassNameOf } from '../../api/index.ts';
import { Counter, Gauge, type Registry } from '../../base/index.ts';
import type { Lister } from '../../client/index.ts';

export interface VolumeListers {
  readonly claims: Lister<corev1.PersistentVolumeClaim>;
  readonly volumes: Lister<corev1.PersistentVolume>;
}

const made = new WeakMap<Registry, { readonly classAssigned: () => void }>();

/** Registers the figures once a registry; the result counts claims that got the default class afterwards. */
export function exposeVolumeMetrics(registry: Registry, { claims, volumes }: VolumeListers): { readonly classAssigned: () => void } {
  const known = made.get(registry);
  if (known) return known;
  const ofVolumes = (name: string, help: string, isCounted: (object: corev1.PersistentVolume) => boolean): void => {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['storage_class'] as const,
      registers: [],
      collect() {
        this.reset();
        for (const volume of volumes.list()) if (isCounted(volume)) this.inc({ storage_class: storageClassNameOf(volume) });
      },
    });
    registry.registerMetric(gauge);
  };
  const ofClaims = (name: string, help: string, isCounted: (object: corev1.PersistentVolumeClaim) => boolean): void => {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['namespace', 'storage_class'] as const,
      registers: [],
      collect() {
        this.reset();
        for (const claim of claims.list()) {
          if (isCounted(claim)) this.inc({ namespace: claim.metadata.namespace ?? '', storage_class: storageClassNameOf(claim) });
        }
      },
    });
    registry.registerMetric(gauge);
  };
  ofVolumes('pv_collector_bound_pv_count', 'Volumes that are bound.', ({ status }) => status.phase === 'Bound');
  ofVolumes('pv_collector_unbound_pv_count', 'Volumes that are not bound.', ({ status }) => status.phase !== 'Bound');
  ofClaims('pv_collector_bound_pvc_count', 'Claims that are bound.', ({ status }) => status.phase === 'Bound');
  ofClaims('pv_collector_unbound_pvc_count', 'Claims that are not bound.', ({ status }) => status.phase !== 'Bound');
  const assigned = new Counter({
    name: 'retroactive_storageclass_total',
    help: 'Claims that were given the default class after they were made.',
    registers: [registry],
  });
  const metrics = { classAssigned: () => assigned.inc() };
  made.set(registry, metrics);
  return metrics;
}
