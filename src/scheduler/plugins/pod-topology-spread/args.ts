/** Arguments of PodTopologySpread: what holds for pods that say nothing of spreading. @source kube-scheduler v1.35 apis/config, validation_pluginargs.go */
import { type corev1, qualifiedNameErrors } from '../../../api/index.ts';
import type { ArgsError } from '../../framework/index.ts';

export interface PodTopologySpreadArgs {
  /** Without selectors: those are found for each pod from its Services and its owner. */
  readonly defaultConstraints: readonly corev1.TopologySpreadConstraint[];
  /** `System`: a soft preference for other nodes and other zones. `List`: `defaultConstraints`, which may be empty. */
  readonly defaultingType: 'System' | 'List';
}

export const systemConstraints: readonly corev1.TopologySpreadConstraint[] = [
  { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

export function defaultSpreadArgs(given: Readonly<Record<string, unknown>>): PodTopologySpreadArgs {
  return { defaultConstraints: [], defaultingType: 'System', ...given };
}

export function spreadArgsErrors({ defaultConstraints, defaultingType }: PodTopologySpreadArgs): ArgsError[] {
  const errors: ArgsError[] = [];
  if (!['System', 'List'].includes(defaultingType)) {
    errors.push({ path: 'defaultingType', message: `Unsupported value: "${defaultingType}": supported values: "List", "System"` });
  } else if (defaultingType === 'System' && defaultConstraints.length > 0) {
    errors.push({ path: 'defaultingType', message: 'Invalid value: "System": when .defaultConstraints are not empty' });
  }
  const seen = new Set<string>();
  defaultConstraints.forEach((constraint, i) => {
    const path = `defaultConstraints[${i}]`;
    const { maxSkew, topologyKey, whenUnsatisfiable, labelSelector } = constraint;
    if (!(maxSkew > 0)) errors.push({ path: `${path}.maxSkew`, message: `Invalid value: ${maxSkew}: not in valid range (0, inf)` });
    if (!topologyKey) errors.push({ path: `${path}.topologyKey`, message: 'Required value: can not be empty' });
    else {
      for (const fault of qualifiedNameErrors(topologyKey))
        errors.push({ path: `${path}.topologyKey`, message: `Invalid value: "${topologyKey}": ${fault}` });
    }
    if (!whenUnsatisfiable) errors.push({ path: `${path}.whenUnsatisfiable`, message: 'Required value: can not be empty' });
    else if (!['DoNotSchedule', 'ScheduleAnyway'].includes(whenUnsatisfiable)) {
      const message = `Unsupported value: "${whenUnsatisfiable}": supported values: "DoNotSchedule", "ScheduleAnyway"`;
      errors.push({ path: `${path}.whenUnsatisfiable`, message });
    }
    if (labelSelector) {
      errors.push({
        path: `${path}.labelSelector`,
        message: 'Forbidden: constraint must not define a selector, as they deduced for each pod',
      });
    }
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) errors.push({ path, message: `Duplicate value: "${pair}"` });
    seen.add(pair);
  });
  return errors;
}
