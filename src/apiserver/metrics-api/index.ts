/**
 * The door of `metrics.k8s.io`: what nodes and pods use now, for `kubectl top` and autoscalers. Served by the API server itself, where other
 * installations run a metrics server behind it; clients see no difference.
 * @source metrics-server pkg/api, v0.8
 */
import {
  type corev1,
  corev1Resources,
  type KubeObject,
  metricsv1beta1Resources,
  type NodeMetrics,
  type PodMetrics,
  type ResourceDefinition,
} from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import type { ApiServerHost, ExtensionFactory, TableRenderer } from '../extension.ts';
import { answerComputed } from '../rendering/computed-answer.ts';
import type { RequestContext } from '../request.ts';
import { UsageHistory } from './usage-history.ts';
import { keepScraping, type UsageSource } from './usage-scraper.ts';
import { windowText } from './usage-window.ts';

export { kubeletUsageSource } from './kubelet-source.ts';
export type { NodeSample, UsagePoint } from './kubelet-text.ts';
export type { UsageSource } from './usage-scraper.ts';

export interface MetricsApiOptions {
  readonly source: (host: ApiServerHost) => UsageSource;
  readonly tables: TableRenderer;
  /** Between two looks at a node; default 15 s. */
  readonly periodMs?: number;
}

const defaultPeriodMs = 15_000;
const apiVersion = 'metrics.k8s.io/v1beta1';

export function metricsApiExtension({ source, tables, periodMs = defaultPeriodMs }: MetricsApiOptions): ExtensionFactory {
  return (host) => {
    const { registry, clock, log, signal } = host;
    const history = new UsageHistory(periodMs);
    const nodes = (): readonly corev1.Node[] => registry.cachedList(corev1Resources.nodes);

    const nodeMetrics = (node: corev1.Node): NodeMetrics | undefined => {
      const window = history.node(node.metadata.name);
      if (!window) return undefined;
      const { timeMs, usage } = window;
      return {
        kind: 'NodeMetrics',
        apiVersion,
        metadata: metadataOf(node, clock.now()),
        timestamp: formatTime(timeMs),
        window: windowText(window),
        usage,
      };
    };

    const podMetrics = (pod: corev1.Pod): PodMetrics | undefined => {
      const { namespace, name } = pod.metadata;
      const windows = pod.spec.nodeName === undefined ? undefined : history.pod(pod.spec.nodeName, `${namespace}/${name}`);
      if (!windows) return undefined;
      // All of a pod's containers are looked at together; the first that was looked at counts.
      const earliest = [...windows.values()].reduce((first, window) => (window.timeMs < first.timeMs ? window : first));
      return {
        kind: 'PodMetrics',
        apiVersion,
        metadata: metadataOf(pod, clock.now()),
        timestamp: formatTime(earliest.timeMs),
        window: windowText(earliest),
        containers: [...windows].map(([container, { usage }]) => ({ name: container, usage })),
      };
    };

    const answerNodes = (ctx: RequestContext, resource: ResourceDefinition): ReturnType<typeof answerComputed> =>
      answerComputed<NodeMetrics>(ctx, {
        resource,
        tables,
        list: () => nodes().flatMap((node) => nodeMetrics(node) ?? []),
        get: ({ name }) => found(registry.cached(corev1Resources.nodes, { namespace: '', name }), nodeMetrics),
        subject: ({ name }) => ({ resource: 'nodemetrics', name }),
      });
    const answerPods = (ctx: RequestContext, resource: ResourceDefinition): ReturnType<typeof answerComputed> =>
      answerComputed<PodMetrics>(ctx, {
        resource,
        tables,
        list: (namespace) => registry.cachedList(corev1Resources.pods, namespace).flatMap((pod) => podMetrics(pod) ?? []),
        get: (key) => found(registry.cached(corev1Resources.pods, key), podMetrics),
        subject: ({ namespace, name }) => ({ resource: 'podmetrics', name: `${namespace}/${name}` }),
      });

    const { group } = metricsv1beta1Resources.nodes;
    return {
      subresources: {
        [`nodes.${group}`]: (ctx, { resource }) => Promise.resolve(answerNodes(ctx, resource)),
        [`pods.${group}`]: (ctx, { resource }) => Promise.resolve(answerPods(ctx, resource)),
      },
      start: () => {
        void keepScraping({ source: source(host), nodes, history, periodMs, clock, log, signal });
        return Promise.resolve();
      },
    };
  };
}

function found<T extends KubeObject, M>(object: T | undefined, measure: (object: T) => M | undefined): M | undefined {
  return object && measure(object);
}

/** Its name and labels; it is made now, every time. */
function metadataOf({ metadata }: KubeObject, nowMs: number): KubeObject['metadata'] {
  const { name, namespace, labels } = metadata;
  const own = { name, ...(namespace !== undefined && { namespace }), creationTimestamp: formatTime(nowMs), ...(labels && { labels }) };
  // It was never stored, so it has none of what the registry gives.
  return own as unknown as KubeObject['metadata'];
}
