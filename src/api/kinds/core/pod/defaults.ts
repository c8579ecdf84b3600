/**
 * Defaults of a pod's spec, alone or in a template, and those that only a Pod gets. Each is filled in on every decode, so a stored
 * object of an older release has them too.
 * @source pkg/apis/core/v1/defaults.go and zz_generated.defaults.go, v1.35
 */
import type { Container, EphemeralContainer, Pod, PodSpec, Probe, Volume } from '../../../gen/core-v1.ts';
import type { Draft } from '../../../object.ts';
import { containerTotal, isPodLevelResource } from '../../../pod-resources.ts';
import { defaultPullPolicy } from '../image-reference.ts';
import { canonicalizeRequirements, canonicalizeResources, isHugePages, isOvercommitAllowed, requestsFromLimits } from '../resource-list.ts';
import { applyVolumeSourceDefaults } from '../volume-source-defaults.ts';

const defaultFileMode = 0o644;

/** Defaults of a Pod: those of its spec, and what a template does not get. */
export function applyPodDefaults(pod: Draft<Pod>): void {
  // Go's spec is never absent; validation then says that containers are required.
  pod.spec ??= {} as Draft<PodSpec>;
  pod.status ??= {};
  const { spec } = pod;
  applyPodSpecDefaults(spec);
  for (const container of spec.containers ?? []) requestsFromLimits(container.resources);
  for (const container of spec.initContainers ?? []) requestsFromLimits(container.resources);
  if (spec.resources) applyPodLevelResources(pod);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork) {
    publishHostPorts(spec.containers);
    publishHostPorts(spec.initContainers);
  }
  for (const status of pod.status.containerStatuses ?? []) {
    canonicalizeResources(status.allocatedResources);
    canonicalizeRequirements(status.resources);
  }
}

/** Defaults of a pod's spec wherever it stands. */
export function applyPodSpecDefaults(spec: Draft<PodSpec>): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  // The two names are one field upstream; the older one is still written.
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const volume of spec.volumes ?? []) applyVolumeDefaults(volume);
  for (const container of spec.containers ?? []) applyContainerDefaults(container);
  for (const container of spec.initContainers ?? []) applyContainerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) applyContainerDefaults(container);
  canonicalizeResources(spec.overhead);
  canonicalizeRequirements(spec.resources);
}

function applyContainerDefaults(container: Draft<Container> | Draft<EphemeralContainer>): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image);
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  canonicalizeRequirements(container.resources);
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1';
    if (valueFrom?.resourceFieldRef) valueFrom.resourceFieldRef.divisor ??= '0';
    if (valueFrom?.fileKeyRef) valueFrom.fileKeyRef.optional ??= false;
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) if (probe) applyProbeDefaults(probe);
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (handler?.httpGet) applyHttpGetDefaults(handler.httpGet);
  }
}

function applyProbeDefaults(probe: Draft<Probe>): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.httpGet) applyHttpGetDefaults(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= '';
}

function applyHttpGetDefaults(get: { path?: string; scheme?: 'HTTP' | 'HTTPS' }): void {
  get.path ||= '/';
  get.scheme ||= 'HTTP';
}

function applyVolumeDefaults(volume: Draft<Volume>): void {
  if (!hasSource(volume)) volume.emptyDir = {};
  if (volume.secret) volume.secret.defaultMode ??= defaultFileMode;
  if (volume.configMap) volume.configMap.defaultMode ??= defaultFileMode;
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= defaultFileMode;
    applyDownwardItems(volume.downwardAPI.items);
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= defaultFileMode;
    for (const { serviceAccountToken, downwardAPI } of volume.projected.sources ?? []) {
      if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600;
      if (downwardAPI) applyDownwardItems(downwardAPI.items);
    }
  }
  if (volume.image) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference);
  if (volume.ephemeral?.volumeClaimTemplate) {
    const { spec } = volume.ephemeral.volumeClaimTemplate;
    if (spec) {
      spec.volumeMode ??= 'Filesystem';
      canonicalizeRequirements(spec.resources);
    }
  }
  applyVolumeSourceDefaults(volume);
}

function hasSource(volume: object): boolean {
  for (const field in volume) if (field !== 'name') return true;
  return false;
}

function applyDownwardItems(items: { fieldRef?: { apiVersion?: string }; resourceFieldRef?: { divisor?: string } }[] | undefined): void {
  for (const { fieldRef, resourceFieldRef } of items ?? []) {
    if (fieldRef) fieldRef.apiVersion ||= 'v1';
    if (resourceFieldRef) resourceFieldRef.divisor ??= '0';
  }
}

/** On the host's network a container's port is the host's. */
function publishHostPorts(containers: Draft<Container>[] | undefined): void {
  for (const { ports } of containers ?? []) for (const port of ports ?? []) port.hostPort ||= port.containerPort;
}

/** Where limits or requests of the whole pod are given in part, the rest comes from the containers. */
function applyPodLevelResources(pod: Draft<Pod>): void {
  const resources = pod.spec.resources!;
  const hasAny = (list: object | undefined): boolean => list !== undefined && Object.keys(list).length > 0;
  if (hasAny(resources.limits) || hasAny(resources.requests)) {
    for (const [name, amount] of containerTotal(pod, 'limits')) {
      if (!isHugePages(name) || resources.requests?.[name] !== undefined) continue;
      resources.limits ??= {};
      resources.limits[name] ??= amount.toString();
    }
  }
  if (!hasAny(resources.limits)) return;
  const requests: Record<string, string> = resources.requests ?? {};
  for (const [name, amount] of containerTotal(pod, 'requests')) {
    if (isPodLevelResource(name) && isOvercommitAllowed(name)) requests[name] ??= amount.toString();
  }
  for (const name in resources.limits) if (isPodLevelResource(name)) requests[name] ??= resources.limits[name]!;
  if (hasAny(requests)) resources.requests = requests;
}
