/** The directive `kubernetes`. @source CoreDNS plugin/kubernetes/setup.go */
import type { LabelMatcher } from '../../api/index.ts';
import { ttlSeconds, expectArgs, fallthroughOf, labelSelector, unknownProperty, zoneOf } from './arguments.ts';
import { CorefileFault } from './corefile-fault.ts';
import type { Directive } from './syntax.ts';

export interface KubernetesConfig {
  readonly zones: readonly string[];
  readonly pods: 'disabled' | 'insecure' | 'verified';
  /** Seconds. */
  readonly ttl: number;
  /** Zones in which names that do not exist are handed on; undefined: none. */
  readonly fallthrough: readonly string[] | undefined;
  readonly endpointPodNames: boolean;
  readonly namespaces: readonly string[] | undefined;
  readonly namespaceLabels: LabelMatcher | undefined;
  readonly labels: LabelMatcher | undefined;
  /** False: endpoints have no names, and headless Services neither. */
  readonly endpoints: boolean;
  readonly ignoreEmptyService: boolean;
}

const notHere = 'is not supported: this server watches the cluster that it belongs to';

/** @throws CorefileFault */
export function parseKubernetes(directive: Directive, blockZones: readonly string[]): KubernetesConfig {
  const zones = directive.args.length === 0 ? blockZones : directive.args.map((zone) => zoneOf(directive, zone));
  if (zones.every((zone) => /(^|\.)(in-addr|ip6)\.arpa$/.test(zone)))
    throw new CorefileFault(directive.line, 'non-reverse zone name must be used');
  const config: { -readonly [Key in keyof KubernetesConfig]: KubernetesConfig[Key] } = {
    zones,
    pods: 'disabled',
    ttl: 5,
    fallthrough: undefined,
    endpointPodNames: false,
    namespaces: undefined,
    namespaceLabels: undefined,
    labels: undefined,
    endpoints: true,
    ignoreEmptyService: false,
  };
  for (const property of directive.block) {
    const { name, args, line } = property;
    const [first = ''] = args;
    switch (name) {
      case 'pods':
        expectArgs(property, 1);
        if (first !== 'disabled' && first !== 'insecure' && first !== 'verified') {
          throw new CorefileFault(line, `wrong value for pods: ${first},  must be one of: disabled, verified, insecure`);
        }
        config.pods = first;
        break;
      case 'ttl':
        config.ttl = ttlSeconds(property);
        break;
      case 'fallthrough':
        config.fallthrough = fallthroughOf(property);
        break;
      case 'endpoint_pod_names':
        expectArgs(property, 0);
        config.endpointPodNames = true;
        break;
      case 'namespaces':
        expectArgs(property, 1, Infinity);
        config.namespaces = args;
        break;
      case 'namespace_labels':
        expectArgs(property, 1, Infinity);
        config.namespaceLabels = labelSelector(property);
        break;
      case 'labels':
        expectArgs(property, 1, Infinity);
        config.labels = labelSelector(property);
        break;
      case 'noendpoints':
        expectArgs(property, 0);
        config.endpoints = false;
        break;
      case 'ignore':
        if (first !== 'empty_service') throw new CorefileFault(line, `unable to parse ignore value: '${first}'`);
        config.ignoreEmptyService = true;
        break;
      case 'endpoint':
      case 'tls':
      case 'kubeconfig':
      case 'multicluster':
      case 'startup_timeout':
      case 'apiserver_qps':
      case 'apiserver_burst':
      case 'apiserver_max_inflight':
        throw new CorefileFault(line, `kubernetes: '${name}' ${notHere}`);
      default:
        throw unknownProperty(property);
    }
  }
  if (config.namespaces && config.namespaceLabels)
    throw new CorefileFault(directive.line, 'namespaces and namespace_labels cannot both be set');
  return config;
}
