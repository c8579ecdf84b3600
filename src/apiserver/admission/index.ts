/** The door of admission: upstream's plugins that are on by default, in upstream's order. */
import type { ExtensionFactory } from '../extension.ts';
import { FlagValueError } from '../flags/index.ts';
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
  /** `--enable-admission-plugins`, by name. */
  readonly enabled?: readonly string[];
}

/** The extension throws a FlagValueError for a plugin that is wanted and not built. */
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
    const missing = options.enabled?.find((wanted) => plugins.every(({ name }) => name !== wanted));
    if (missing !== undefined) throw new FlagValueError(`admission plugin ${missing} is not supported`);
    return { admission: plugins.filter(({ name }) => !options.disabled?.includes(name)) };
  };
}
