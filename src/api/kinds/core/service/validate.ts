/**
 * Validation of a Service. It runs before the allocators, so addresses and ports that they give need not be there yet.
 * @source pkg/apis/core/validation/validation.go ValidateService, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, duplicate, forbidden, invalidValue, notSupported, required } from '../../../field-errors.ts';
import type { Service, ServicePort, ServiceSpec } from '../../../gen/core-v1.ts';
import { cidrErrors, ipErrors } from '../../../ip.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, portNumberErrors, qualifiedNameErrors } from '../../../names.ts';
import { validateLabels } from '../../../object-meta.ts';
import { nonSpecialIpErrors } from '../ip-rules.ts';
import { portNumberOrNameErrors, supportedProtocols } from '../port-rules.ts';
import { isExternallyAccessible } from './defaults.ts';
import { clusterIpChangeErrors, familyChangeErrors, validateClusterIps } from './validate-cluster-ips.ts';

const topologyMode = 'service.kubernetes.io/topology-mode';
const topologyHints = 'service.kubernetes.io/topology-aware-hints';
const sourceRanges = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const maxAffinitySeconds = 86_400;
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const policies = ['Cluster', 'Local'];
const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];

export function validateService(service: Service): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = service;
  topologyErrors(service, errors);
  if (!spec.ports?.length && !isHeadless(spec) && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  typeErrors(spec, errors);
  validatePorts(spec.ports ?? [], errors);
  if (spec.selector) validateLabels(spec.selector, 'spec.selector', errors);
  affinityErrors(spec, errors);
  validateClusterIps(spec, errors);
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) {
    const syntax = ipErrors(`spec.externalIPs[${i}]`, ip);
    errors.push(...(syntax.length > 0 ? syntax : nonSpecialIpErrors(`spec.externalIPs[${i}]`, ip)));
  }
  if (!spec.type) errors.push(required('spec.type'));
  else if (!types.includes(spec.type)) errors.push(notSupported('spec.type', spec.type, types));
  duplicatePortErrors(spec, errors);
  sourceRangeErrors(service, errors);
  loadBalancerErrors(spec, errors);
  errors.push(...loadBalancerClassErrors(spec, undefined));
  externalPolicyErrors(spec, errors);
  internalPolicyErrors(spec, errors);
  if (spec.trafficDistribution !== undefined && !distributions.includes(spec.trafficDistribution)) {
    errors.push(notSupported('spec.trafficDistribution', spec.trafficDistribution, distributions));
  }
  return errors;
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors = [
    ...clusterIpChangeErrors(service.spec, old.spec),
    ...familyChangeErrors(service.spec, old.spec),
    ...loadBalancerClassErrors(service.spec, old.spec),
  ];
  if (needsHealthCheck(old.spec) && needsHealthCheck(service.spec) && service.spec.healthCheckNodePort !== old.spec.healthCheckNodePort) {
    errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
  }
  return errors.concat(validateService(service));
}

/** What is wrong with the addresses that a load balancer has given. */
export function validateServiceStatus({ spec, status }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const ingress = status.loadBalancer?.ingress ?? [];
  if (ingress.length > 0 && spec.type !== 'LoadBalancer') {
    errors.push(forbidden('status.loadBalancer.ingress', "may only be used when `spec.type` is 'LoadBalancer'"));
    return errors;
  }
  for (const [i, { ip = '', hostname = '', ipMode }] of ingress.entries()) {
    const path = `status.loadBalancer.ingress[${i}]`;
    if (ip !== '') errors.push(...ipErrors(`${path}.ip`, ip));
    if (ip !== '' && ipMode === undefined) errors.push(required(`${path}.ipMode`, 'must be specified when `ip` is set'));
    else if (ip === '' && ipMode !== undefined) errors.push(forbidden(`${path}.ipMode`, 'may not be specified when `ip` is not set'));
    else if (ipMode !== undefined && ipMode !== 'VIP' && ipMode !== 'Proxy') {
      errors.push(notSupported(`${path}.ipMode`, ipMode, ['Proxy', 'VIP']));
    }
    if (hostname === '') continue;
    addInvalid(errors, `${path}.hostname`, hostname, dns1123SubdomainErrors(hostname));
    if (ipErrors('', hostname).length === 0)
      errors.push(invalidValue(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address'));
  }
  return errors;
}

export function isHeadless({ clusterIPs }: ServiceSpec): boolean {
  return clusterIPs?.length === 1 && clusterIPs[0] === 'None';
}

function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

function topologyErrors({ metadata: { annotations = {} } }: Service, errors: FieldError[]): void {
  const [mode, hints] = [annotations[topologyMode], annotations[topologyHints]];
  if (mode !== undefined && hints !== undefined && mode !== hints) {
    errors.push(
      invalidValue(`metadata.annotations[${topologyMode}]`, mode, `must match annotations[${topologyHints}] when both are specified`),
    );
  }
}

function typeErrors(spec: ServiceSpec, errors: FieldError[]): void {
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec)) {
    errors.push(invalidValue('spec.clusterIPs[0]', spec.clusterIPs![0], `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type !== 'ExternalName') return;
  const foreign = 'may not be set for ExternalName services';
  if (spec.clusterIPs?.length) errors.push(forbidden('spec.clusterIPs', foreign));
  if (spec.ipFamilies?.length) errors.push(forbidden('spec.ipFamilies', foreign));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden('spec.ipFamilyPolicy', foreign));
  const target = (spec.externalName ?? '').replace(/\.$/, '');
  if (target === '') errors.push(required('spec.externalName'));
  else addInvalid(errors, 'spec.externalName', target, dns1123SubdomainErrors(target));
}

function validatePorts(ports: readonly ServicePort[], errors: FieldError[]): void {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const path = `spec.ports[${i}]`;
    if (port.name) {
      addInvalid(errors, `${path}.name`, port.name, dns1123LabelErrors(port.name));
      if (names.has(port.name)) errors.push(duplicate(`${path}.name`, port.name));
      names.add(port.name);
    } else if (ports.length > 1) errors.push(required(`${path}.name`));
    addInvalid(errors, `${path}.port`, port.port ?? 0, portNumberErrors(port.port ?? 0));
    if (!port.protocol) errors.push(required(`${path}.protocol`));
    else if (!supportedProtocols.includes(port.protocol)) errors.push(notSupported(`${path}.protocol`, port.protocol, supportedProtocols));
    errors.push(...portNumberOrNameErrors(`${path}.targetPort`, port.targetPort ?? 0));
    if (port.appProtocol !== undefined) {
      for (const message of qualifiedNameErrors(port.appProtocol))
        errors.push(invalidValue(`${path}.appProtocol`, port.appProtocol, message));
    }
  }
}

function affinityErrors({ sessionAffinity, sessionAffinityConfig }: ServiceSpec, errors: FieldError[]): void {
  const path = 'spec.sessionAffinityConfig';
  if (!sessionAffinity) errors.push(required('spec.sessionAffinity'));
  else if (sessionAffinity !== 'ClientIP' && sessionAffinity !== 'None') {
    errors.push(notSupported('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None']));
  }
  if (sessionAffinity === 'None' && sessionAffinityConfig) {
    errors.push(forbidden(path, 'must not be set when session affinity is None'));
  }
  if (sessionAffinity !== 'ClientIP') return;
  const why = 'when session affinity type is ClientIP';
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (!sessionAffinityConfig) errors.push(required(path, why));
  else if (!sessionAffinityConfig.clientIP) errors.push(required(`${path}.clientIP`, why));
  else if (seconds === undefined) errors.push(required(`${path}.clientIP.timeoutSeconds`, why));
  else if (seconds <= 0 || seconds > maxAffinitySeconds) {
    errors.push(invalidValue(`${path}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${maxAffinitySeconds}`));
  }
}

function duplicatePortErrors({ type, ports = [] }: ServiceSpec, errors: FieldError[]): void {
  if (type === 'ClusterIP') {
    ports.forEach(({ nodePort }, i) => {
      if (nodePort) errors.push(forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    });
  }
  const nodePorts = new Set<string>();
  ports.forEach(({ nodePort, protocol }, i) => {
    if (!nodePort) return;
    if (nodePorts.has(`${protocol}/${nodePort}`)) errors.push(duplicate(`spec.ports[${i}].nodePort`, nodePort));
    nodePorts.add(`${protocol}/${nodePort}`);
  });
  const numbers = new Set<string>();
  ports.forEach(({ port, protocol }, i) => {
    // Upstream prints the key that it compares, which is the internal type with its empty fields.
    const key = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    if (numbers.has(`${protocol}/${port}`)) errors.push(duplicate(`spec.ports[${i}]`, key));
    numbers.add(`${protocol}/${port}`);
  });
}

function sourceRangeErrors({ metadata, spec }: Service, errors: FieldError[]): void {
  const annotation = metadata.annotations?.[sourceRanges];
  const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
  if (spec.loadBalancerSourceRanges?.length) {
    const path = 'spec.LoadBalancerSourceRanges';
    if (spec.type !== 'LoadBalancer') errors.push(forbidden(path, onlyLoadBalancer));
    spec.loadBalancerSourceRanges.forEach((range, i) => errors.push(...cidrErrors(`${path}[${i}]`, range.trim())));
  } else if (annotation !== undefined) {
    const path = `metadata.annotations[${sourceRanges}]`;
    if (spec.type !== 'LoadBalancer') errors.push(forbidden(path, onlyLoadBalancer));
    if (annotation.trim() !== '') for (const range of annotation.trim().split(',')) errors.push(...cidrErrors(path, range.trim()));
  }
}

function loadBalancerErrors({ type, allocateLoadBalancerNodePorts }: ServiceSpec, errors: FieldError[]): void {
  if (allocateLoadBalancerNodePorts !== undefined && type !== 'LoadBalancer') {
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"));
  }
  if (type === 'LoadBalancer' && allocateLoadBalancerNodePorts === undefined) errors.push(required('allocateLoadBalancerNodePorts'));
}

/** The class of load balancer is fixed as long as the type is LoadBalancer. */
function loadBalancerClassErrors({ type, loadBalancerClass }: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  const path = 'spec.loadBalancerClass';
  const errors: FieldError[] = [];
  if (type === 'LoadBalancer' && old?.type === 'LoadBalancer' && loadBalancerClass !== old.loadBalancerClass) {
    errors.push(invalidValue(path, loadBalancerClass, 'may not change once set'));
  }
  if (loadBalancerClass === undefined) return errors;
  if (type === 'LoadBalancer') addInvalid(errors, path, loadBalancerClass, qualifiedNameErrors(loadBalancerClass));
  else errors.push(forbidden(path, "may only be used when `type` is 'LoadBalancer'"));
  return errors;
}

function externalPolicyErrors(spec: ServiceSpec, errors: FieldError[]): void {
  const { externalTrafficPolicy, healthCheckNodePort = 0 } = spec;
  const path = 'spec.externalTrafficPolicy';
  if (!isExternallyAccessible(spec)) {
    if (externalTrafficPolicy) errors.push(invalidValue(path, externalTrafficPolicy, 'may only be set for externally-accessible services'));
  } else if (!externalTrafficPolicy) errors.push(required(path));
  else if (!policies.includes(externalTrafficPolicy)) errors.push(notSupported(path, externalTrafficPolicy, policies));
  const portPath = 'spec.healthCheckNodePort';
  if (!needsHealthCheck(spec)) {
    if (healthCheckNodePort !== 0) {
      errors.push(
        invalidValue(portPath, healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"),
      );
    }
  } else if (healthCheckNodePort !== 0) addInvalid(errors, portPath, healthCheckNodePort, portNumberErrors(healthCheckNodePort));
}

function internalPolicyErrors({ type, internalTrafficPolicy }: ServiceSpec, errors: FieldError[]): void {
  const path = 'spec.internalTrafficPolicy';
  if (internalTrafficPolicy === undefined) {
    if (type === 'NodePort' || type === 'LoadBalancer' || type === 'ClusterIP') errors.push(required(path));
  } else if (!policies.includes(internalTrafficPolicy)) errors.push(notSupported(path, internalTrafficPolicy, policies));
}
