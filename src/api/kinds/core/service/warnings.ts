/** Warnings about a Service that is accepted. @source pkg/api/service/warnings.go, v1.35 */
import type { Service } from '../../../gen/core-v1.ts';
import { cidrWarnings, ipWarnings } from '../../../ip.ts';

const topologyHintsAnnotation = 'service.kubernetes.io/topology-aware-hints';

export function serviceWarnings({ metadata, spec }: Service): string[] {
  const warnings: string[] = [];
  if (metadata.annotations?.[topologyHintsAnnotation] !== undefined) {
    warnings.push(`annotation ${topologyHintsAnnotation} is deprecated, please use service.kubernetes.io/topology-mode instead`);
  }
  const headless = spec.type === 'ClusterIP' && spec.clusterIP === 'None';
  if (spec.clusterIP && spec.clusterIP !== 'None') {
    for (const [i, ip] of (spec.clusterIPs ?? []).entries()) warnings.push(...ipWarnings(`spec.clusterIPs[${i}]`, ip));
  }
  if (headless) {
    if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) warnings.push(...ipWarnings(`spec.externalIPs[${i}]`, ip));
  if (spec.loadBalancerIP) warnings.push(...ipWarnings('spec.loadBalancerIP', spec.loadBalancerIP));
  for (const [i, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    warnings.push(...cidrWarnings(`spec.loadBalancerSourceRanges[${i}]`, range));
  }
  if (spec.type === 'ExternalName' && spec.externalIPs?.length) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (spec.type !== 'ExternalName' && spec.externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}
