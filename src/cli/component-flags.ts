/**
 * `--extra-config`, `--feature-gates` and `--runtime-config` of `knarr up`: flags of upstream's components, looked at before anything starts.
 * A later `up` replaces what it names and keeps the rest; `--extra-config=apiserver.NAME-` forgets a flag.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { ClusterError, type ComponentFlags, mergeFlags } from '../cluster/index.ts';

/** One `component.flag=value`; without a value the flag is to be forgotten. */
export interface ExtraConfig {
  readonly flag: string;
  readonly value: string | undefined;
}

/** Components whose flags can be given. */
const components = ['apiserver'];

export function collectExtraConfig(text: string, before: readonly ExtraConfig[] = []): ExtraConfig[] {
  const match = /^([a-z][a-z-]*)\.([a-z0-9][a-z0-9-]*?)(?:(-)|=(.*))$/s.exec(text);
  if (!match) throw new InvalidArgumentError('give it as COMPONENT.FLAG=VALUE, such as apiserver.anonymous-auth=false');
  const [, component = '', flag = '', forget, value] = match;
  if (!components.includes(component))
    throw new InvalidArgumentError(`flags can be given to ${components.join(', ')}, not to ${component}`);
  return [...before, { flag, value: forget === undefined ? value : undefined }];
}

interface ComponentOptions {
  readonly extraConfig?: readonly ExtraConfig[];
  readonly featureGates?: string;
  readonly runtimeConfig?: string;
}

/**
 * What the options say, by flag, file names made absolute; undefined when they say nothing. What was remembered is looked at as well: files
 * change.
 * @throws ClusterError that names every fault
 */
export async function readComponentFlags(options: ComponentOptions, remembered: ComponentFlags = {}): Promise<ComponentFlags | undefined> {
  const given = collect(options);
  if (given.length === 0 && Object.keys(remembered).length === 0) return undefined;
  // Only who gives flags pays for knowing them.
  const { flagSyntax, parseFlags } = await import('../apiserver/flags/index.ts');
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
  const parsed = parseFlags(all);
  faults.push(...parsed.faults);
  const namesFiles = Object.keys(all).some((flag) => flagSyntax(flag)?.isFile);
  if (namesFiles && faults.length === 0) faults.push(...(await import('../apiserver/flags/files/index.ts')).flagFileFaults(parsed.values));
  if (faults.length > 0)
    throw new ClusterError(`the API server does not take these flags:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  return given.length === 0 ? undefined : flags;
}

function collect({ extraConfig = [], featureGates, runtimeConfig }: ComponentOptions): ExtraConfig[] {
  const own = (flag: string, value: string | undefined): ExtraConfig[] =>
    value === undefined ? [] : [{ flag, value: value === '' ? undefined : value }];
  return [...extraConfig, ...own('feature-gates', featureGates), ...own('runtime-config', runtimeConfig)];
}
