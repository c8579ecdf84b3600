/**
 * Pods of a namespace go where its annotation, or the cluster's default, says, and choose only labels that its whitelist has.
 * @source kubernetes plugin/pkg/admission/podnodeselector, v1.35
 */
import { type corev1, corev1Resources, type Draft, internalError, notFound } from '../../api/index.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { ConfigurationReader } from './configuration-reader.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

type Labels = Readonly<Record<string, string>>;

/** Namespace → labels as text; the default under its own key. */
export type NodeSelectorConfiguration = ReadonlyMap<string, Labels>;

const { pods, namespaces } = corev1Resources;
const annotation = 'scheduler.alpha.kubernetes.io/node-selector';
const defaultKey = 'clusterDefaultNodeSelector';

/** @throws RangeError naming the field that is wrong */
export function readNodeSelectorConfiguration(value: unknown): NodeSelectorConfiguration {
  const reader = new ConfigurationReader('admission plugin "PodNodeSelector"');
  const root = reader.object(value, '', ['podNodeSelectorPluginConfig']);
  const selectors = root['podNodeSelectorPluginConfig'] ?? {};
  const entries = reader.object(selectors, 'podNodeSelectorPluginConfig', Object.keys(selectors));
  return new Map(
    Object.entries(entries).map(([namespace, text]) => {
      const path = `podNodeSelectorPluginConfig.${namespace}`;
      const labels = labelsOf(reader.text(text, path));
      if (!labels) throw reader.fault(path, 'must be labels such as "zone=a,disk=ssd"');
      return [namespace, labels];
    }),
  );
}

export function podNodeSelectorPlugin(configuration: NodeSelectorConfiguration = new Map()): AdmissionPlugin {
  const check = (request: AdmissionRequest, ctx: AdmissionContext): Labels => {
    const { spec } = podOf(request);
    const wanted = wantedLabels(request, ctx, configuration);
    const own = spec.nodeSelector ?? {};
    if (Object.entries(wanted).some(([key, value]) => own[key] !== undefined && own[key] !== value)) {
      throw refusal(request, 'pod node label selector conflicts with its namespace node label selector');
    }
    return { ...wanted, ...own };
  };
  return {
    name: 'PodNodeSelector',
    handles: (resource, operation, subresource) => isResource(resource, pods) && operation === 'CREATE' && subresource === '',
    mutate: (request, ctx) => {
      const labels = check(request, ctx);
      if (Object.keys(labels).length > 0) podOf(request).spec.nodeSelector = { ...labels };
    },
    validate: (request, ctx) => {
      const labels = check(request, ctx);
      const allowed = configuration.get(request.namespace) ?? {};
      if (Object.keys(allowed).length === 0 || Object.entries(labels).every(([key, value]) => allowed[key] === value)) return;
      throw refusal(request, 'pod node label selector labels conflict with its namespace whitelist');
    },
  };
}

function podOf({ object }: AdmissionRequest): Draft<corev1.Pod> {
  // The plugin handles pods only.
  return object as Draft<corev1.Pod>;
}

function wantedLabels(request: AdmissionRequest, { registry }: AdmissionContext, configuration: NodeSelectorConfiguration): Labels {
  const name = request.namespace;
  const namespace = registry.cached(namespaces, { namespace: '', name });
  if (!namespace) throw notFound({ group: '', resource: 'namespaces', name });
  const text = namespace.metadata.annotations?.[annotation];
  if (text === undefined) return configuration.get(defaultKey) ?? {};
  const labels = labelsOf(text);
  if (!labels) throw internalError(new Error(`invalid selector: [${text}]`));
  return labels;
}

/** Undefined when the text is more than a list of `key=value`. */
function labelsOf(text: string): Labels | undefined {
  const labels: Record<string, string> = {};
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const [key, value, ...more] = part.split('=').map((one) => one.trim());
    if (!key || value === undefined || more.length > 0) return undefined;
    labels[key] = value;
  }
  return labels;
}
