import { describe, expect, it } from 'vitest';
import { type autoscalingv2, type corev1, type JsonObject, notFound, parseLabelSelector } from '../../api/index.ts';
import { VirtualClock } from '../../base/index.ts';
import { createClient, type ResourceRequest, type Transport } from '../../client/index.ts';
import { ScaleTargets } from '../scale/scale-targets.ts';
import { type MetricContext, type MetricOutcome, proposalFor } from './metric-proposals.ts';
import { MetricsClient } from './metrics-client.ts';

const nowMs = Date.parse('2030-01-01T01:00:00Z');
const timestamp = '2030-01-01T00:59:50Z';

/** A metrics adapter as others install it: answers what it is told to, by path and selectors. */
class Adapter implements Transport {
  readonly asked: string[] = [];
  readonly #answers: Readonly<Record<string, readonly object[]>>;

  constructor(answers: Readonly<Record<string, readonly object[]>>) {
    this.#answers = answers;
  }

  request({ resource, namespace, name, subresource, query = {} }: ResourceRequest): Promise<JsonObject> {
    const path = [resource.group, resource.version, namespace, resource.plural, name, subresource]
      .filter((part) => part !== undefined)
      .join('/');
    const text = Object.entries(query).map(([key, value]) => `${key}=${String(value)}`);
    this.asked.push([path, ...text].join(' '));
    const items = this.#answers[path];
    // As a server answers for a path that it does not have.
    if (!items) return Promise.reject(Object.assign(notFound({ group: '', resource: '', name: '' }), { details: {} }));
    return Promise.resolve({ items } as unknown as JsonObject);
  }

  async *watch(): AsyncGenerator<never> {}

  discover(): ReturnType<NonNullable<Transport['discover']>> {
    const ref = { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress', plural: 'ingresses', namespaced: true };
    return Promise.resolve({ resources: [{ ref, verbs: [], preferred: true }], failures: [] });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const pod = (name: string): corev1.Pod =>
  ({
    metadata: { name, labels: { app: 'web' } },
    spec: { containers: [{ name: 'main' }] },
    status: { phase: 'Running', startTime: '2030-01-01T00:00:00Z', conditions: [{ type: 'Ready', status: 'True' }] },
  }) as unknown as corev1.Pod;

function contextOf(adapter: Adapter): MetricContext {
  const client = createClient(adapter);
  return {
    metrics: new MetricsClient(client, new ScaleTargets(client, new VirtualClock())),
    namespace: 'shop',
    selector: parseLabelSelector('app=web'),
    pods: [pod('a'), pod('b')],
    specReplicas: 2,
    statusReplicas: 2,
    tolerances: { scaleUp: 0.1, scaleDown: 0.1 },
    periods: { cpuInitializationMs: 300_000, initialReadinessMs: 30_000 },
    nowMs,
    signal: new AbortController().signal,
  };
}

const say = (outcome: MetricOutcome): string =>
  outcome.type === 'proposal'
    ? `${outcome.replicas} by ${outcome.name}: ${JSON.stringify(outcome.status)}`
    : `${outcome.reason}: ${outcome.summary}`;

const ofPod = (name: string, value: string): object => ({ describedObject: { kind: 'Pod', name }, timestamp, value });
const selector = { matchLabels: { verb: 'GET' } };

describe('a metric that somebody else serves', () => {
  const rows: [string, autoscalingv2.MetricSpec, Readonly<Record<string, readonly object[]>>, string, string][] = [
    [
      'of pods',
      { type: 'Pods', pods: { metric: { name: 'hits', selector }, target: { type: 'AverageValue', averageValue: '10' } } },
      { 'custom.metrics.k8s.io/v1beta2/shop/pods/*/hits': [ofPod('a', '30'), ofPod('b', '20500m')] },
      'custom.metrics.k8s.io/v1beta2/shop/pods/*/hits labelSelector=app=web metricLabelSelector=verb=GET',
      '6 by pods metric hits: {"type":"Pods","pods":{"metric":{"name":"hits","selector":{"matchLabels":{"verb":"GET"}}},"current":{"averageValue":"25250m"}}}',
    ],
    [
      'of pods, by an older server',
      { type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '10' } } },
      { 'custom.metrics.k8s.io/v1beta1/shop/pods/*/hits': [ofPod('a', '10'), ofPod('b', '10')] },
      'custom.metrics.k8s.io/v1beta1/shop/pods/*/hits labelSelector=app=web',
      '2 by pods metric hits: {"type":"Pods","pods":{"metric":{"name":"hits"},"current":{"averageValue":"10"}}}',
    ],
    [
      'of an object, as a whole',
      {
        type: 'Object',
        object: {
          metric: { name: 'requests' },
          describedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'door' },
          target: { type: 'Value', value: '100' },
        },
      },
      { 'custom.metrics.k8s.io/v1beta2/shop/ingresses.networking.k8s.io/door/requests': [{ timestamp, value: '150' }] },
      'custom.metrics.k8s.io/v1beta2/shop/ingresses.networking.k8s.io/door/requests',
      '3 by Ingress metric requests: {"type":"Object","object":{"describedObject":{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","name":"door"},"metric":{"name":"requests"},"current":{"value":"150"}}}',
    ],
    [
      'of the namespace, shared out',
      {
        type: 'Object',
        object: {
          metric: { name: 'jobs' },
          describedObject: { apiVersion: 'v1', kind: 'Namespace', name: 'another' },
          target: { type: 'AverageValue', averageValue: '5' },
        },
      },
      { 'custom.metrics.k8s.io/v1beta2/shop/namespaces/metrics/jobs': [{ timestamp, value: '33' }] },
      'custom.metrics.k8s.io/v1beta2/shop/namespaces/metrics/jobs',
      '7 by external metric jobs(nil): {"type":"Object","object":{"describedObject":{"kind":"","name":""},"metric":{"name":"jobs"},"current":{"averageValue":"16500m"}}}',
    ],
    [
      'of something outside, the sum of its series',
      { type: 'External', external: { metric: { name: 'queue', selector }, target: { type: 'AverageValue', averageValue: '10' } } },
      {
        'external.metrics.k8s.io/v1beta1/shop/queue': [
          { timestamp, value: '25' },
          { timestamp, value: '20' },
        ],
      },
      'external.metrics.k8s.io/v1beta1/shop/queue labelSelector=verb=GET',
      '5 by external metric queue(&LabelSelector{MatchLabels:map[string]string{verb: GET,},MatchExpressions:[]LabelSelectorRequirement{},}): {"type":"External","external":{"metric":{"name":"queue","selector":{"matchLabels":{"verb":"GET"}}},"current":{"averageValue":"22500m"}}}',
    ],
    [
      'of something outside, as a whole',
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '10' } } },
      { 'external.metrics.k8s.io/v1beta1/shop/queue': [{ timestamp, value: '5' }] },
      'external.metrics.k8s.io/v1beta1/shop/queue',
      '1 by external metric queue(nil): {"type":"External","external":{"metric":{"name":"queue"},"current":{"value":"5"}}}',
    ],
    [
      'that is empty',
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '10' } } },
      { 'external.metrics.k8s.io/v1beta1/shop/queue': [] },
      'external.metrics.k8s.io/v1beta1/shop/queue',
      'FailedGetExternalMetric: failed to get queue external metric value: failed to get external metric queue: unable to get external metric shop/queue/nil: no metrics returned from external metrics API',
    ],
    [
      'of an object of no kind',
      {
        type: 'Object',
        object: {
          metric: { name: 'hits' },
          describedObject: { apiVersion: 'example.com/v1', kind: 'Herd', name: 'cows' },
          target: { type: 'Value', value: '1' },
        },
      },
      {},
      '',
      'FailedGetObjectMetric: failed to get object metric value: unable to get metric hits: Herd on shop cows/unable to fetch metrics from custom metrics API: no matches for kind "Herd" in group "example.com"',
    ],
  ];
  it.each(rows)('%s', async (_, spec, answers, asked, expected) => {
    const adapter = new Adapter(answers);
    expect(say(await proposalFor(spec, contextOf(adapter)))).toBe(expected);
    expect(adapter.asked.at(-1) ?? '').toBe(asked);
  });
});
