/**
 * `--extra-config`, `--feature-gates` and `--runtime-config` of `knarr up`: flags of upstream's components, looked at before anything starts.
 * A later `up` replaces what it names and keeps the rest; `--extra-config=apiserver.NAME-` forgets a flag.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { FlagSyntax, GivenFlags } from '../api/flags/index.ts';
import { ClusterError, type ComponentFlags, mergeFlags } from '../cluster/index.ts';

/** Components whose flags can be given. Only who gives flags pays for knowing them. */
const components = {
  apiserver: {
    label: 'API server',
    load: async () => {
      const { flagSyntax, parseFlags } = await import('../apiserver/flags/index.ts');
      return { flagSyntax, faultsOf: (flags: GivenFlags) => parseFlags(flags).faults };
    },
    fileFaults: async (flags: GivenFlags) => {
      const { parseFlags } = await import('../apiserver/flags/index.ts');
      return (await import('../apiserver/flags/files/index.ts')).flagFileFaults(parseFlags(flags).values);
    },
  },
  'controller-manager': {
    label: 'controller manager',
    load: async () => {
      const { controllerManagerFlagSyntax, localControllerManagerFaults } = await import('../controlplane/controller-manager/index.ts');
      return { flagSyntax: controllerManagerFlagSyntax, faultsOf: localControllerManagerFaults };
    },
    fileFaults: () => Promise.resolve([]),
  },
  scheduler: {
    label: 'scheduler',
    load: async () => {
      const { localSchedulerFaults, schedulerFlagSyntax } = await import('../controlplane/scheduler/index.ts');
      return { flagSyntax: schedulerFlagSyntax, faultsOf: localSchedulerFaults };
    },
    fileFaults: async (flags: GivenFlags) => {
      const { readSchedulerFlags, schedulerFileFaults } = await import('../controlplane/scheduler/index.ts');
      return schedulerFileFaults(readSchedulerFlags(flags).values);
    },
  },
} as const satisfies Readonly<Record<string, FlaggedComponent>>;

interface FlaggedComponent {
  readonly label: string;
  readonly load: () => Promise<{
    readonly flagSyntax: (name: string) => FlagSyntax<unknown> | undefined;
    readonly faultsOf: (flags: GivenFlags) => readonly string[];
  }>;
  /** What is wrong with the content of the files that the flags name. */
  readonly fileFaults: (flags: GivenFlags) => Promise<readonly string[]>;
}

export type FlaggedComponentName = keyof typeof components;

/** Flags by the component that takes them. */
export type FlagsByComponent = { readonly [Name in FlaggedComponentName]?: ComponentFlags | undefined };

/** One `component.flag=value`; without a value the flag is to be forgotten. */
export interface ExtraConfig {
  readonly component: FlaggedComponentName;
  readonly flag: string;
  readonly value: string | undefined;
}

export function collectExtraConfig(text: string, before: readonly ExtraConfig[] = []): ExtraConfig[] {
  const match = /^([a-z][a-z-]*)\.([a-z0-9][a-z0-9-]*?)(?:(-)|=(.*))$/s.exec(text);
  if (!match) throw new InvalidArgumentError('give it as COMPONENT.FLAG=VALUE, such as apiserver.anonymous-auth=false');
  const [, component = '', flag = '', forget, value] = match;
  if (!isFlagged(component))
    throw new InvalidArgumentError(`flags can be given to ${Object.keys(components).join(', ')}, not to ${component}`);
  return [...before, { component, flag, value: forget === undefined ? value : undefined }];
}

function isFlagged(component: string): component is FlaggedComponentName {
  return Object.hasOwn(components, component);
}

interface ComponentOptions {
  readonly extraConfig?: readonly ExtraConfig[];
  readonly featureGates?: string;
  readonly runtimeConfig?: string;
}

/**
 * What the options say, by component and flag, file names made absolute; a component of which they say nothing is left out. What was
 * remembered is looked at as well: files change.
 * @throws ClusterError that names every fault
 */
export async function readComponentFlags(options: ComponentOptions, remembered: FlagsByComponent = {}): Promise<FlagsByComponent> {
  const given = collect(options);
  const read: { [Name in FlaggedComponentName]?: ComponentFlags } = {};
  // Its keys are the components' names.
  for (const name of Object.keys(components) as FlaggedComponentName[]) {
    const own = given.filter(({ component }) => component === name);
    const flags = await readFlagsOf(components[name], own, remembered[name] ?? {});
    if (flags) read[name] = flags;
  }
  return read;
}

async function readFlagsOf(
  component: FlaggedComponent,
  given: readonly ExtraConfig[],
  remembered: ComponentFlags,
): Promise<ComponentFlags | undefined> {
  if (given.length === 0 && Object.keys(remembered).length === 0) return undefined;
  const { flagSyntax, faultsOf } = await component.load();
  const flags: Record<string, string[]> = {};
  const faults: string[] = [];
  for (const { flag, value } of given) {
    const values = (flags[flag] ??= []);
    if (value === undefined) values.length = 0;
    else if (flagSyntax(flag)?.isWritten && value !== '' && value !== '-') values.push(resolve(value));
    else if (!flagSyntax(flag)?.isFile || value === '') values.push(value);
    else if (existsSync(value)) values.push(resolve(value));
    else faults.push(`--${flag}: no such file: ${value}`);
  }
  const all = mergeFlags(remembered, flags);
  faults.push(...faultsOf(all));
  const namesFiles = Object.keys(all).some((flag) => flagSyntax(flag)?.isFile);
  if (namesFiles && faults.length === 0) faults.push(...(await component.fileFaults(all)));
  if (faults.length > 0)
    throw new ClusterError(`the ${component.label} does not take these flags:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  return given.length === 0 ? undefined : flags;
}

function collect({ extraConfig = [], featureGates, runtimeConfig }: ComponentOptions): ExtraConfig[] {
  const own = (flag: string, value: string | undefined): ExtraConfig[] =>
    value === undefined ? [] : [{ component: 'apiserver', flag, value: value === '' ? undefined : value }];
  return [...extraConfig, ...own('feature-gates', featureGates), ...own('runtime-config', runtimeConfig)];
}
