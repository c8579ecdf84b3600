/** Runs the admission plugins in order; remembers which of them care about which writes. */
import type { ResourceDefinition } from '../../api/index.ts';
import type { AdmissionContext, AdmissionOperation, AdmissionPlugin, AdmissionRequest } from '../admission.ts';

interface Phases {
  readonly mutating: readonly AdmissionPlugin[];
  readonly validating: readonly AdmissionPlugin[];
}

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #phases = new WeakMap<ResourceDefinition, Map<string, Phases>>();

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  /** Returns a promise only when a plugin has to wait. @throws ApiError of the plugin that refuses */
  mutate(request: AdmissionRequest, ctx: AdmissionContext): void | Promise<void> {
    return runFrom(this.#phasesOf(request).mutating, 0, (plugin) => plugin.mutate!(request, ctx));
  }

  validate(request: AdmissionRequest, ctx: AdmissionContext): void | Promise<void> {
    return runFrom(this.#phasesOf(request).validating, 0, (plugin) => plugin.validate!(request, ctx));
  }

  #phasesOf({ resource, operation, subresource }: AdmissionRequest): Phases {
    let byWrite = this.#phases.get(resource);
    if (!byWrite) this.#phases.set(resource, (byWrite = new Map()));
    const key = subresource === '' ? operation : `${operation}/${subresource}`;
    let phases = byWrite.get(key);
    if (!phases) byWrite.set(key, (phases = this.#select(resource, operation, subresource)));
    return phases;
  }

  #select(resource: ResourceDefinition, operation: AdmissionOperation, subresource: string): Phases {
    const interested = this.#plugins.filter((plugin) => plugin.handles(resource, operation, subresource));
    return {
      mutating: interested.filter((plugin) => plugin.mutate !== undefined),
      validating: interested.filter((plugin) => plugin.validate !== undefined),
    };
  }
}

/** Stays synchronous until a plugin does not. */
function runFrom(
  plugins: readonly AdmissionPlugin[],
  start: number,
  call: (plugin: AdmissionPlugin) => void | Promise<void>,
): void | Promise<void> {
  for (let i = start; i < plugins.length; i++) {
    const waiting = call(plugins[i]!);
    if (waiting) return waiting.then(() => runFrom(plugins, i + 1, call));
  }
}
