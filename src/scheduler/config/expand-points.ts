/**
 * Which plugins take part at which point, and in which order: what a point names itself comes before what comes by `multiPoint`, and what it
 * names of those keeps the first place.
 * @source kube-scheduler framework/runtime/framework.go (NewFramework, expandMultiPointPlugins), v1.35
 */
import type { Profile, ScorePlugin } from '../cycle/profile.ts';
import type { Plugin } from '../framework/index.ts';
import { ConfigurationError } from './configuration-error.ts';
import { type ExtensionPoint, extensionPoints, type ProfileConfiguration } from './configuration.ts';

/** What a plugin has when it implements the point. */
const method: Readonly<Record<ExtensionPoint, readonly (keyof Plugin)[]>> = {
  preEnqueue: ['preEnqueue'],
  queueSort: ['less'],
  preFilter: ['preFilter'],
  filter: ['filter'],
  postFilter: ['postFilter'],
  preScore: ['preScore'],
  score: ['score'],
  reserve: ['reserve', 'unreserve'],
  permit: ['permit'],
  preBind: ['preBind'],
  bind: ['bind'],
  postBind: ['postBind'],
};

/** Names of all plugins that the profile needs, in the order in which they are named. */
export function neededPlugins({ plugins }: ProfileConfiguration): ReadonlySet<string> {
  const names = [...plugins.multiPoint.enabled, ...extensionPoints.flatMap((point) => plugins[point].enabled)];
  return new Set(names.map(({ name }) => name));
}

/**
 * @param made every needed plugin, by name
 * @throws ConfigurationError
 */
export function expandPoints(configuration: ProfileConfiguration, made: ReadonlyMap<string, Plugin>): Profile {
  const { schedulerName, percentageOfNodesToScore, plugins } = configuration;
  const at = (point: ExtensionPoint): Plugin[] => pluginsAt(point, configuration, made);
  const queueSort = at('queueSort');
  const bind = at('bind');
  const whose = `profile with scheduler name ${JSON.stringify(schedulerName)}`;
  if (queueSort.length !== 1) throw new ConfigurationError(`only one queue sort plugin required for ${whose}, but got ${queueSort.length}`);
  if (bind.length === 0) throw new ConfigurationError(`at least one bind plugin is needed for ${whose}`);
  const weightOf = (name: string): number =>
    plugins.score.enabled.find((choice) => choice.name === name)?.weight ||
    plugins.multiPoint.enabled.find((choice) => choice.name === name)?.weight ||
    1;
  return {
    schedulerName,
    percentageOfNodesToScore,
    plugins: [...made.values()],
    preEnqueue: at('preEnqueue'),
    queueSort,
    preFilter: at('preFilter'),
    filter: at('filter'),
    postFilter: at('postFilter'),
    preScore: at('preScore'),
    score: at('score').map((plugin): ScorePlugin => ({ plugin, weight: weightOf(plugin.name) })),
    reserve: at('reserve'),
    permit: at('permit'),
    preBind: at('preBind'),
    bind,
    postBind: at('postBind'),
  };
}

function pluginsAt(point: ExtensionPoint, { plugins }: ProfileConfiguration, made: ReadonlyMap<string, Plugin>): Plugin[] {
  const { enabled, disabled } = plugins[point];
  const named = enabled.map(({ name }) => name);
  for (const name of named) {
    if (!implementsPoint(made.get(name), point))
      throw new ConfigurationError(`plugin ${JSON.stringify(name)} does not extend ${point} plugin`);
    if (named.indexOf(name) !== named.lastIndexOf(name))
      throw new ConfigurationError(`plugin ${JSON.stringify(name)} already registered as ${JSON.stringify(point)}`);
  }
  const general = disabled.includes('*')
    ? []
    : plugins.multiPoint.enabled
        .map(({ name }) => name)
        .filter((name) => !disabled.includes(name) && implementsPoint(made.get(name), point));
  const overriding = named.filter((name) => general.includes(name));
  const order = [...overriding, ...general.filter((name) => !named.includes(name)), ...named.filter((name) => !general.includes(name))];
  return order.flatMap((name) => made.get(name) ?? []);
}

function implementsPoint(plugin: Plugin | undefined, point: ExtensionPoint): boolean {
  return plugin !== undefined && method[point].some((name) => plugin[name] !== undefined);
}
