/**
 * Reads a KubeSchedulerConfiguration: strict, with every default filled in and every fault named as upstream names it.
 * @source kube-scheduler apis/config/v1 (defaults.go, default_plugins.go), apis/config/validation/validation.go, v1.35
 */
import { fieldErrors, type JsonValue } from '../../api/index.ts';
import type { PluginFactory } from '../framework/index.ts';
import { inTreePlugins } from '../plugins/index.ts';
import {
  defaultPluginSets,
  type ExtenderConfiguration,
  type ExtensionPoint,
  extensionPoints,
  noPlugins,
  type PluginSet,
  type PluginSets,
  type ProfileConfiguration,
  type SchedulerConfiguration,
} from './configuration.ts';
import { neededPlugins } from './expand-points.ts';
import { FieldReader } from './field-reader.ts';
import { readExtender } from './read-extender.ts';

/** What the file says beside the scheduler's own work: how the component runs. Undefined where it is silent. */
export interface ComponentSettings {
  readonly kubeconfig: string | undefined;
  readonly leaderElect: boolean | undefined;
  readonly leaseDurationMs: number | undefined;
  readonly renewDeadlineMs: number | undefined;
  readonly retryPeriodMs: number | undefined;
  readonly leaseName: string | undefined;
  readonly leaseNamespace: string | undefined;
}

export interface ReadConfiguration {
  readonly configuration: SchedulerConfiguration;
  readonly component: ComponentSettings;
  /** Empty: the configuration can be used. */
  readonly faults: readonly string[];
}

const apiVersion = 'kubescheduler.config.k8s.io/v1';
const kind = 'KubeSchedulerConfiguration';

/** @param more kinds of plugins beside those that come with the scheduler */
export function readConfiguration(document: JsonValue, more: readonly PluginFactory[] = []): ReadConfiguration {
  const faults: string[] = [];
  const reader = new FieldReader(document, '', faults);
  const [version, itsKind] = [reader.text('apiVersion'), reader.text('kind')];
  if (version !== apiVersion || itsKind !== kind) {
    faults.push(`no kind "${itsKind}" is registered for version "${version}": it must be ${kind} of ${apiVersion}`);
  }
  const factories = new Map([...inTreePlugins, ...more].map((factory) => [factory.name, factory]));
  const profiles = readProfiles(reader, factories);
  const extenders = reader.objects('extenders').map(readExtender);
  const configuration: SchedulerConfiguration = {
    profiles,
    extenders,
    percentageOfNodesToScore: readPercentage(reader),
    ...readBackoff(reader),
  };
  if (reader.integer('parallelism', 16) <= 0) {
    reader.fault(fieldErrors.invalidValue('parallelism', reader.integer('parallelism'), 'should be an integer value greater than zero'));
  }
  checkExtenders(reader, extenders);
  const component = readComponent(reader);
  reader.boolean('enableProfiling', true);
  reader.boolean('enableContentionProfiling', true);
  reader.boolean('delayCacheUntilActive', false);
  reader.end();
  return { configuration, component, faults };
}

function readPercentage(reader: FieldReader): number | undefined {
  const percentage = reader.integer('percentageOfNodesToScore');
  if (percentage !== undefined && (percentage < 0 || percentage > 100)) {
    reader.fault(fieldErrors.invalidValue(reader.at('percentageOfNodesToScore'), percentage, 'not in valid range [0-100]'));
  }
  return percentage;
}

function readBackoff(reader: FieldReader): Pick<SchedulerConfiguration, 'podInitialBackoffMs' | 'podMaxBackoffMs'> {
  const initial = reader.number('podInitialBackoffSeconds', 1);
  const max = reader.number('podMaxBackoffSeconds', 10);
  if (initial <= 0) reader.fault(fieldErrors.invalidValue('podInitialBackoffSeconds', initial, 'must be greater than 0'));
  if (max < initial) {
    reader.fault(fieldErrors.invalidValue('podMaxBackoffSeconds', max, 'must be greater than or equal to PodInitialBackoffSeconds'));
  }
  return { podInitialBackoffMs: initial * 1000, podMaxBackoffMs: max * 1000 };
}

function readProfiles(reader: FieldReader, factories: ReadonlyMap<string, PluginFactory>): ProfileConfiguration[] {
  const given = reader.objects('profiles');
  if (given.length === 0) return [readProfile(new FieldReader({}, 'profiles[0]', []), factories, true)];
  const profiles = given.map((profile) => readProfile(profile, factories, given.length === 1));
  const names = profiles.map(({ schedulerName }) => schedulerName);
  for (const [i, name] of names.entries()) {
    const path = `profiles[${i}]`;
    for (const plugin of neededPlugins(profiles[i]!)) {
      if (!factories.has(plugin)) reader.fault(fieldErrors.notFound(`${path}.plugins`, plugin));
    }
    if (name === '') reader.fault(fieldErrors.required(`${path}.schedulerName`));
    else if (names.indexOf(name) < i) reader.fault(fieldErrors.duplicate(`${path}.schedulerName`, name));
    const sorts = profiles[i]!.plugins.queueSort;
    if (JSON.stringify(sorts) !== JSON.stringify(profiles[0]!.plugins.queueSort)) {
      reader.fault(fieldErrors.invalidValue(`${path}.plugins.queueSort`, sorts, 'must be the same for all profiles'));
    }
  }
  return profiles;
}

function readProfile(reader: FieldReader, factories: ReadonlyMap<string, PluginFactory>, only: boolean): ProfileConfiguration {
  const profile: ProfileConfiguration = {
    // With one profile the name may be left out.
    schedulerName: reader.text('schedulerName', only ? 'default-scheduler' : ''),
    percentageOfNodesToScore: readPercentage(reader),
    plugins: readPlugins(reader.object('plugins')),
    pluginConfig: readPluginConfig(reader, factories),
  };
  reader.end();
  return profile;
}

function readPlugins(reader: FieldReader): PluginSets {
  const defaults = defaultPluginSets();
  const read = (name: ExtensionPoint | 'multiPoint'): PluginSet => {
    const set = reader.object(name);
    const choice = (item: FieldReader): { name: string; weight: number } => {
      const read = { name: item.text('name'), weight: item.integer('weight', 0) };
      item.end();
      return read;
    };
    const enabled = set.objects('enabled').map(choice);
    const disabled = set.objects('disabled').map((item) => choice(item).name);
    set.end();
    return { enabled, disabled };
  };
  const custom = Object.fromEntries(extensionPoints.map((point) => [point, read(point)])) as Record<ExtensionPoint, PluginSet>;
  const plugins = { ...custom, multiPoint: merged(defaults.multiPoint, read('multiPoint')) };
  reader.end();
  return plugins;
}

/** Defaults that are not switched off, with the weights that were given for them, then the others. */
function merged(defaults: PluginSet, custom: PluginSet = noPlugins): PluginSet {
  const off = new Set(custom.disabled);
  const kept = off.has('*') ? [] : defaults.enabled.filter(({ name }) => !off.has(name));
  const replaced = kept.map((choice) => custom.enabled.find(({ name }) => name === choice.name) ?? choice);
  const added = custom.enabled.filter((choice) => !kept.some(({ name }) => name === choice.name));
  return { enabled: [...replaced, ...added], disabled: custom.disabled };
}

function readPluginConfig(
  reader: FieldReader,
  factories: ReadonlyMap<string, PluginFactory>,
): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  const read = new Map<string, Readonly<Record<string, unknown>>>();
  for (const item of reader.objects('pluginConfig')) {
    const name = item.text('name');
    const { apiVersion: _version, kind: _kind, ...args } = item.open('args');
    item.end();
    if (read.has(name)) item.fault(fieldErrors.duplicate(item.path, name));
    read.set(name, args);
    const factory = factories.get(name);
    if (!factory?.defaultArgs) {
      if (Object.keys(args).length > 0)
        item.fault(fieldErrors.invalidValue(item.at('args'), name, factory ? 'the plugin takes no arguments' : 'there is no such plugin'));
      continue;
    }
    for (const { path, message } of factory.validateArgs?.(factory.defaultArgs(args)) ?? []) {
      item.fault({ field: `${item.at('args')}.${path}`, message });
    }
  }
  return read;
}

function checkExtenders(reader: FieldReader, extenders: readonly ExtenderConfiguration[]): void {
  const managed = new Set<string>();
  let binders = 0;
  for (const [i, { prioritizeVerb, weight, bindVerb, managedResources }] of extenders.entries()) {
    const path = `extenders[${i}]`;
    if (prioritizeVerb !== '' && weight <= 0) {
      reader.fault(fieldErrors.invalidValue(`${path}.weight`, weight, 'must have a positive weight applied to it'));
    }
    if (bindVerb !== '') binders++;
    for (const [k, { name }] of managedResources.entries()) {
      if (managed.has(name))
        reader.fault(fieldErrors.invalidValue(`${path}.managedResources[${k}].name`, name, 'duplicate extender managed resource name'));
      managed.add(name);
    }
  }
  if (binders > 1)
    reader.fault(
      fieldErrors.invalidValue('extenders', `found ${binders} extenders implementing bind`, 'only one extender can implement bind'),
    );
}

function readComponent(reader: FieldReader): ComponentSettings {
  const election = reader.object('leaderElection');
  const connection = reader.object('clientConnection');
  const text = (from: FieldReader, name: string): string | undefined => from.text(name) || undefined;
  const settings: ComponentSettings = {
    kubeconfig: text(connection, 'kubeconfig'),
    leaderElect: election.has('leaderElect') ? election.boolean('leaderElect', true) : undefined,
    leaseDurationMs: election.durationMs('leaseDuration'),
    renewDeadlineMs: election.durationMs('renewDeadline'),
    retryPeriodMs: election.durationMs('retryPeriod'),
    leaseName: text(election, 'resourceName'),
    leaseNamespace: text(election, 'resourceNamespace'),
  };
  const lock = election.text('resourceLock', 'leases');
  if (lock !== 'leases')
    election.fault(fieldErrors.invalidValue('leaderElection.resourceLock', lock, 'resourceLock value must be "leases"'));
  connection.text('acceptContentTypes');
  connection.text('contentType');
  connection.number('qps', 50);
  connection.integer('burst', 100);
  election.end();
  connection.end();
  return settings;
}
