/**
 * Plugins of the user's own: ECMAScript modules that export a factory, `export const plugin = { name, create }` (or `plugins`, a list). What is
 * not a factory is refused before the scheduler starts; what is not a plugin when it is made; and what it throws later costs one pod's cycle.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Plugin, type PluginFactory } from '../../scheduler/index.ts';
import { ComponentError } from '../component/index.ts';

/** Everything that a plugin may have, and what it must be then. */
const members: Readonly<Record<Exclude<keyof Plugin, 'name'>, 'function' | 'object' | 'string'>> = {
  events: 'object',
  filterScope: 'string',
  scoreScope: 'string',
  less: 'function',
  preEnqueue: 'function',
  preFilter: 'function',
  addPod: 'function',
  removePod: 'function',
  filter: 'function',
  postFilter: 'function',
  preScore: 'function',
  score: 'function',
  normalizeScore: 'function',
  reserve: 'function',
  unreserve: 'function',
  permit: 'function',
  preBindPreFlight: 'function',
  preBind: 'function',
  bind: 'function',
  postBind: 'function',
  explain: 'function',
  explainPreFilter: 'function',
};

/** @throws ComponentError that names the file and what is wrong with it */
export async function loadPlugins(paths: readonly string[]): Promise<readonly PluginFactory[]> {
  const factories: PluginFactory[] = [];
  for (const path of paths) {
    for (const factory of await loadModule(path)) {
      if (factories.some(({ name }) => name === factory.name))
        throw fault(path, `there is a plugin ${JSON.stringify(factory.name)} already`);
      factories.push(factory);
    }
  }
  return factories;
}

async function loadModule(path: string): Promise<readonly PluginFactory[]> {
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw fault(path, `it cannot be loaded: ${messageOf(error)}`, error);
  }
  const { plugin, plugins } = exported;
  const found: readonly unknown[] = Array.isArray(plugins) ? plugins : plugin === undefined ? [] : [plugin];
  if (found.length === 0)
    throw fault(path, 'it must export `plugin`, a factory { name, create(args, handle) }, or `plugins`, a list of them');
  return found.map((each) => checkedFactory(path, each));
}

function checkedFactory(path: string, candidate: unknown): PluginFactory {
  if (typeof candidate !== 'object' || candidate === null) throw fault(path, `a factory must be an object, not ${typeof candidate}`);
  const { name, create, defaultArgs, validateArgs } = candidate as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || name === '') throw fault(path, 'the factory has no `name`');
  const label = `factory ${JSON.stringify(name)}`;
  if (typeof create !== 'function') throw fault(path, `${label} has no function \`create\``);
  for (const [key, value] of Object.entries({ defaultArgs, validateArgs })) {
    if (value !== undefined && typeof value !== 'function') throw fault(path, `\`${key}\` of ${label} must be a function`);
  }
  // Looked at above; what it makes is looked at when it is made.
  const factory = candidate as PluginFactory;
  return {
    name,
    defaultArgs: (given) => (factory.defaultArgs ? factory.defaultArgs(given) : given),
    ...(factory.validateArgs && { validateArgs: (args: unknown) => factory.validateArgs!(args) }),
    create: (args, handle) => {
      let made: unknown;
      try {
        made = factory.create(args, handle);
      } catch (error) {
        throw fault(path, `${label} threw: ${messageOf(error)}`, error);
      }
      return checkedPlugin(path, name, made);
    },
  };
}

function checkedPlugin(path: string, name: string, made: unknown): Plugin {
  const label = `plugin ${JSON.stringify(name)}`;
  if (typeof made !== 'object' || made === null) throw fault(path, `${label}: create must return an object`);
  const plugin = made as Readonly<Record<string, unknown>>;
  if (plugin['name'] !== name) throw fault(path, `${label} calls itself ${JSON.stringify(plugin['name'])}`);
  let takesPart = false;
  for (const [member, type] of Object.entries(members)) {
    const value = plugin[member];
    if (value === undefined) continue;
    if (typeof value !== type) throw fault(path, `\`${member}\` of ${label} must be a ${type}`);
    takesPart ||= type === 'function';
  }
  if (!takesPart) throw fault(path, `${label} takes part at no extension point`);
  return plugin as unknown as Plugin;
}

function fault(path: string, what: string, cause?: unknown): ComponentError {
  return new ComponentError(`plugin ${path}: ${what}`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
