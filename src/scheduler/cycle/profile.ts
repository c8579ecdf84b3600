/**
 * One profile at work: its plugins by extension point, in the order of the configuration. Pods choose it by `spec.schedulerName`.
 */
import type { Plugin } from '../framework/index.ts';

export interface ScorePlugin {
  readonly plugin: Plugin;
  readonly weight: number;
}

export interface ProfilePoints {
  readonly preEnqueue: readonly Plugin[];
  readonly queueSort: readonly Plugin[];
  readonly preFilter: readonly Plugin[];
  readonly filter: readonly Plugin[];
  readonly postFilter: readonly Plugin[];
  readonly preScore: readonly Plugin[];
  readonly score: readonly ScorePlugin[];
  readonly reserve: readonly Plugin[];
  readonly permit: readonly Plugin[];
  readonly preBind: readonly Plugin[];
  readonly bind: readonly Plugin[];
  readonly postBind: readonly Plugin[];
}

export interface Profile extends ProfilePoints {
  readonly schedulerName: string;
  /** 0…100; 0 and undefined: adaptive. */
  readonly percentageOfNodesToScore: number | undefined;
  /** Each plugin that takes part somewhere, once. */
  readonly plugins: readonly Plugin[];
}

/** A profile with every plugin at every point that it implements. */
export function profileOfPlugins(
  schedulerName: string,
  plugins: readonly Plugin[],
  weights: Readonly<Record<string, number>> = {},
): Profile {
  const at = (point: keyof Plugin): readonly Plugin[] => plugins.filter((plugin) => plugin[point] !== undefined);
  return {
    schedulerName,
    percentageOfNodesToScore: undefined,
    plugins,
    preEnqueue: at('preEnqueue'),
    queueSort: at('less'),
    preFilter: at('preFilter'),
    filter: at('filter'),
    postFilter: at('postFilter'),
    preScore: at('preScore'),
    score: at('score').map((plugin) => ({ plugin, weight: weights[plugin.name] || 1 })),
    reserve: [...new Set([...at('reserve'), ...at('unreserve')])],
    permit: at('permit'),
    preBind: at('preBind'),
    bind: at('bind'),
    postBind: at('postBind'),
  };
}
