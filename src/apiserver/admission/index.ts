/** The door of admission: upstream's plugins that are on by default, in upstream's order. */
import type { ExtensionFactory } from '../extension.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { priorityPlugin } from './priority.ts';
import { runtimeClassPlugin } from './runtime-class.ts';
import { serviceAccountPlugin } from './service-account.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export interface AdmissionOptions {
  /** `--disable-admission-plugins`, by name. */
  readonly disabled?: readonly string[];
}

export function admissionExtension(options: AdmissionOptions = {}): ExtensionFactory {
  return ({ clock, random }) => {
    const plugins = [
      namespaceLifecycle,
      serviceAccountPlugin({ clock, random }),
      nodeRestriction,
      taintNodesByCondition,
      priorityPlugin,
      defaultTolerationSeconds,
      runtimeClassPlugin,
      podTopologyLabels,
    ];
    return { admission: plugins.filter(({ name }) => !options.disabled?.includes(name)) };
  };
}
