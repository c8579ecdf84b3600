/** From flags and files to what the scheduler starts with. */
import type { JsonValue } from '../../api/index.ts';
import { type Clock, systemClock } from '../../base/index.ts';
import { defaultConfiguration, type PluginFactory, readConfiguration, type SchedulerOptions } from '../../scheduler/index.ts';
import { ComponentError, readNamedFile } from '../component/index.ts';
import type { SchedulerFlagValues } from './flags.ts';
import { loadPlugins } from './load-plugins.ts';
import { postJsonTo } from './post-json.ts';

export interface SchedulerSettings {
  /** With what the configuration file says where no flag does. */
  readonly flags: SchedulerFlagValues;
  readonly options: SchedulerOptions;
}

/** @throws ComponentError that names every fault of the configuration, or the plugin that cannot be used */
export async function schedulerSettings(flags: SchedulerFlagValues, clock: Clock): Promise<SchedulerSettings> {
  const plugins = await loadPlugins(flags.plugin ?? []);
  const maxUnschedulableMs = flags['pod-max-in-unschedulable-pods-duration'];
  const shared = {
    plugins,
    ...(maxUnschedulableMs !== undefined && { maxUnschedulableMs }),
  };
  if (flags.config === undefined) return { flags, options: { ...shared, configuration: withPlugins(plugins) } };
  const { configuration, component, faults } = readConfiguration(await readDocument(flags.config), plugins);
  if (faults.length > 0) throw new ComponentError([`${flags.config}:`, ...faults].join('\n  '));
  // Made now, so that files that cannot be read end the start.
  const posts = new Map(configuration.extenders.map((extender) => [extender, postJsonTo(extender, clock)]));
  const fromFile: { readonly [Name in keyof SchedulerFlagValues]?: SchedulerFlagValues[Name] | undefined } = {
    kubeconfig: component.kubeconfig,
    'leader-elect': component.leaderElect,
    'leader-elect-lease-duration': component.leaseDurationMs,
    'leader-elect-renew-deadline': component.renewDeadlineMs,
    'leader-elect-retry-period': component.retryPeriodMs,
    'leader-elect-resource-name': component.leaseName,
    'leader-elect-resource-namespace': component.leaseNamespace,
  };
  const said = Object.fromEntries(Object.entries(fromFile).filter(([, value]) => value !== undefined));
  return { flags: { ...said, ...flags }, options: { ...shared, configuration, postJson: (extender) => posts.get(extender)! } };
}

async function readDocument(path: string): Promise<JsonValue> {
  const text = readNamedFile(path);
  const { parseYaml } = await import('../../api/yaml/index.ts');
  try {
    return parseYaml(text).value;
  } catch (error) {
    throw new ComponentError(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Without a file, plugins that are given take part wherever they can. */
function withPlugins(plugins: readonly PluginFactory[]): SchedulerOptions['configuration'] & object {
  const configuration = defaultConfiguration();
  const more = plugins.map(({ name }) => ({ name, weight: 0 }));
  return {
    ...configuration,
    profiles: configuration.profiles.map((profile) => ({
      ...profile,
      plugins: {
        ...profile.plugins,
        multiPoint: { ...profile.plugins.multiPoint, enabled: [...profile.plugins.multiPoint.enabled, ...more] },
      },
    })),
  };
}

/** What is wrong with the files that the flags name; empty when they can be used. */
export async function schedulerFileFaults(flags: SchedulerFlagValues, clock: Clock = systemClock): Promise<readonly string[]> {
  try {
    await schedulerSettings(flags, clock);
    return [];
  } catch (error) {
    if (!(error instanceof ComponentError)) throw error;
    return [error.message];
  }
}
