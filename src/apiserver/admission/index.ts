/** The door of admission: the plugins that are wanted, in upstream's order. */
import { Registry } from '../../base/index.ts';
import type { ExtensionFactory } from '../extension.ts';
import { FlagValueError } from '../../api/flags/index.ts';
import { readAdmissionConfiguration } from './configuration-file.ts';
import { admissionPlugins, type PluginEntry } from './plugin-table.ts';

export interface AdmissionOptions {
  /** `--disable-admission-plugins`, by name. */
  readonly disabled?: readonly string[];
  /** `--enable-admission-plugins`, by name. */
  readonly enabled?: readonly string[];
  /** `--admission-control-config-file`. */
  readonly configurationFile?: string | undefined;
  /** What such a file says, by the names of plugins; wins over the file. */
  readonly configuration?: ReadonlyMap<string, unknown>;
  /** Where plugins count what they do; default: where nobody reads. */
  readonly metrics?: Registry;
}

/** The extension throws a FlagValueError for a plugin that is wanted and not known or not built, or whose configuration is wrong. */
export function admissionExtension(options: AdmissionOptions = {}): ExtensionFactory {
  const { enabled = [], disabled = [], configurationFile, metrics = new Registry() } = options;
  return (host) => {
    const configuration =
      options.configuration ?? (configurationFile ? readAdmissionConfiguration(configurationFile) : new Map<string, unknown>());
    for (const name of [...enabled, ...disabled, ...configuration.keys()]) pluginNamed(name);
    const plugins = admissionPlugins.flatMap(({ name, onByDefault, make }) => {
      if (disabled.includes(name) || !(onByDefault || enabled.includes(name))) return [];
      if (make) return [made(() => make({ host, metrics, configuration: configuration.get(name) }))];
      if (enabled.includes(name) || configuration.has(name)) throw new FlagValueError(`admission plugin ${name} is not supported`);
      return [];
    });
    return {
      admission: plugins,
      start: () => {
        for (const plugin of plugins) plugin.start?.();
        return Promise.resolve();
      },
    };
  };
}

/**
 * Looks into the file of `--admission-control-config-file` without making any plugin.
 * @throws FlagValueError for its form, for plugins that there are not, and for what they are configured with
 */
export function checkAdmissionConfiguration(file: string): void {
  for (const [name, configuration] of readAdmissionConfiguration(file)) {
    const { make, readConfiguration } = pluginNamed(name);
    if (!make) throw new FlagValueError(`admission plugin ${name} is not supported`);
    made(() => readConfiguration?.(configuration));
  }
}

function pluginNamed(name: string): PluginEntry {
  const found = admissionPlugins.find((entry) => entry.name === name);
  if (!found) throw new FlagValueError(`admission plugin ${JSON.stringify(name)} is unknown`);
  return found;
}

/** What is wrong with a configuration is wrong with a flag. */
function made<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new FlagValueError(error.message);
    throw error;
  }
}

/** Every plugin that can be named, in the order in which they run. */
export const admissionPluginNames: readonly string[] = admissionPlugins.map(({ name }) => name);

export { readAdmissionConfiguration };
