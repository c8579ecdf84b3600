/**
 * KubeSchedulerConfiguration as the scheduler works with it: every default filled in.
 * @source kube-scheduler config/v1 types.go, apis/config/v1/defaults.go, v1.35
 */
import { defaultPluginSet, inTreePlugins } from '../plugins/index.ts';

export interface PluginChoice {
  readonly name: string;
  /** Of its scores; 0: not said, which counts as 1. */
  readonly weight: number;
}

export interface PluginSet {
  readonly enabled: readonly PluginChoice[];
  /** Names; `*` is everything that is on by default. */
  readonly disabled: readonly string[];
}

/** The extension points, in the order of a cycle, by their names in the configuration. */
export const extensionPoints = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;

export type ExtensionPoint = (typeof extensionPoints)[number];

export type PluginSets = Readonly<Record<ExtensionPoint | 'multiPoint', PluginSet>>;

export interface ProfileConfiguration {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number | undefined;
  readonly plugins: PluginSets;
  /** Plugin name → what the file says of its arguments. */
  readonly pluginConfig: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

export interface ExtenderConfiguration {
  readonly urlPrefix: string;
  readonly filterVerb: string;
  readonly preemptVerb: string;
  readonly prioritizeVerb: string;
  readonly bindVerb: string;
  readonly weight: number;
  readonly enableHttps: boolean;
  readonly tls: ExtenderTls | undefined;
  readonly httpTimeoutMs: number;
  readonly nodeCacheCapable: boolean;
  readonly managedResources: readonly { readonly name: string; readonly ignoredByScheduler: boolean }[];
  readonly ignorable: boolean;
}

export interface ExtenderTls {
  readonly insecure: boolean;
  readonly serverName: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** PEM, decoded. */
  readonly certData: string;
  readonly keyData: string;
  readonly caData: string;
}

export interface SchedulerConfiguration {
  readonly profiles: readonly ProfileConfiguration[];
  readonly extenders: readonly ExtenderConfiguration[];
  readonly percentageOfNodesToScore: number | undefined;
  readonly podInitialBackoffMs: number;
  readonly podMaxBackoffMs: number;
}

export const noPlugins: PluginSet = { enabled: [], disabled: [] };

const noSets = Object.fromEntries(extensionPoints.map((point) => [point, noPlugins])) as Record<ExtensionPoint, PluginSet>;

const available = defaultPluginSet.filter(({ name }) => inTreePlugins.some((factory) => factory.name === name));

/** What a profile has that says nothing: every default plugin at every point that it implements. */
export function defaultPluginSets(): PluginSets {
  return { ...noSets, multiPoint: { enabled: available, disabled: [] } };
}

export function defaultConfiguration(): SchedulerConfiguration {
  return {
    profiles: [
      {
        schedulerName: 'default-scheduler',
        percentageOfNodesToScore: undefined,
        plugins: defaultPluginSets(),
        pluginConfig: new Map(),
      },
    ],
    extenders: [],
    percentageOfNodesToScore: undefined,
    podInitialBackoffMs: 1000,
    podMaxBackoffMs: 10_000,
  };
}
