/** Columns and scale that Deployment and ReplicaSet share: both have replicas, a selector and a pod template. */
import type { LabelSelector } from '../../gen/meta-v1.ts';
import type { PodTemplateSpec } from '../../gen/core-v1.ts';
import { formatLabelSelector, labelSelectorMatcher } from '../../label-selector.ts';
import type { Draft, KubeObject } from '../../object.ts';
import type { PrinterColumn, SubresourceDefinition } from '../../resource-definition.ts';
import { partVerbs } from '../define-resource.ts';
import { containerColumns, wideColumn } from '../standard-columns.ts';

interface Templated extends KubeObject {
  readonly spec: { readonly selector?: LabelSelector; readonly template?: PodTemplateSpec };
}

interface Scaled extends KubeObject {
  readonly spec: { readonly replicas?: number };
  readonly status: { readonly replicas?: number };
}

/** Containers, images and selector, with `-o wide`. */
export function templateColumns<T extends Templated>(): PrinterColumn<T>[] {
  return [
    ...containerColumns<T>(({ spec }) => spec.template?.spec?.containers),
    wideColumn('Selector', 'string', 'Which pods belong to it.', ({ spec }) => formatLabelSelector(spec.selector)),
  ];
}

/** The selector as the text that `scale` shows. */
export function selectorText({ spec }: Templated): string {
  return labelSelectorMatcher(spec.selector).toString();
}

/** `scale`: the number of replicas without the rest of the object. */
export function scaleSubresource<T extends Scaled>(selectorOf: (object: T) => string): SubresourceDefinition<T> {
  return {
    name: 'scale',
    verbs: partVerbs,
    kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    handler: 'scale',
    scale: {
      read: (object) => ({
        specReplicas: object.spec.replicas ?? 0,
        statusReplicas: object.status.replicas ?? 0,
        selector: selectorOf(object),
      }),
      write: (object, replicas) => {
        // The draft of every such kind has a writable spec.
        (object as Draft<Scaled>).spec.replicas = replicas;
      },
    },
  };
}
