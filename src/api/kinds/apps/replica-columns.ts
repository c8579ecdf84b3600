/** Columns and scale that Deployment and ReplicaSet share: both have replicas, a selector and a pod template. */
import type { LabelSelector } from '../../gen/meta-v1.ts';
import type { PodTemplateSpec } from '../../gen/core-v1.ts';
import { formatLabelSelector, labelSelectorMatcher } from '../../label-selector.ts';
import type { Draft, KubeObject } from '../../object.ts';
import type { PrinterColumn, SubresourceDefinition } from '../../resource-definition.ts';
import { partVerbs } from '../define-resource.ts';
import { containerColumns, wideColumn } from '../standard-columns.ts';

interface Replicated extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly selector: LabelSelector; readonly template?: PodTemplateSpec };
  readonly status: { readonly replicas?: number };
}

/** Containers, images and selector, with `-o wide`. */
export function templateColumns<T extends Replicated>(): PrinterColumn<T>[] {
  return [
    ...containerColumns<T>(({ spec }) => spec.template?.spec?.containers),
    wideColumn('Selector', 'string', 'Which pods belong to it.', ({ spec }) => formatLabelSelector(spec.selector)),
  ];
}

/** `scale`: the number of replicas without the rest of the object. */
export function scaleSubresource<T extends Replicated>(): SubresourceDefinition<T> {
  return {
    name: 'scale',
    verbs: partVerbs,
    kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    handler: 'scale',
    scale: {
      read: ({ spec, status }) => ({
        specReplicas: spec.replicas ?? 0,
        statusReplicas: status.replicas ?? 0,
        selector: labelSelectorMatcher(spec.selector).toString(),
      }),
      write: (object, replicas) => {
        // The draft of every such kind has a writable spec.
        (object as Draft<Replicated>).spec.replicas = replicas;
      },
    },
  };
}
