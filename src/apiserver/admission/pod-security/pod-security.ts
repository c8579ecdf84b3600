/**
 * PodSecurity: pods keep to the level that the labels of their namespace name, and templates of pods are warned about. In a
 * namespace that asks nothing it costs one look at the namespace.
 * @source kubernetes plugin/pkg/admission/security/podsecurity, pod-security-admission admission, v1.35
 */
import { type corev1, corev1Resources, internalError, invalid, type KubeObject } from '../../../api/index.ts';
import { assert, type Registry as MetricsRegistry } from '../../../base/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../admission.ts';
import type { ApiServerHost } from '../../extension.ts';
import { refusal } from '../refusal.ts';
import { isResource } from '../resource-match.ts';
import { defaultPodSecurity, type PodSecurityConfiguration } from './configuration.ts';
import { existingPodWarnings } from './existing-pods.ts';
import type { Finding, PodLike } from './finding.ts';
import { PodSecurityMetrics } from './metrics.ts';
import { hasPodTemplate, podTemplateOf } from './pod-templates.ts';
import {
  formatLevelVersion,
  formatPolicy,
  isFullyPrivileged,
  levels,
  type LevelVersion,
  type NamespacePolicy,
  policyOf,
  sameLevelVersion,
  samePolicy,
} from './policy.ts';
import { findingsOf, formatFindings } from './standards.ts';

const { pods, namespaces } = corev1Resources;
const annotationPrefix = 'pod-security.kubernetes.io/';
/** Subresources that change nothing of what a pod may do. */
const ignoredSubresources: ReadonlySet<string> = new Set([
  'exec',
  'attach',
  'binding',
  'eviction',
  'log',
  'portforward',
  'proxy',
  'status',
]);

export interface PodSecurityOptions {
  readonly host: Pick<ApiServerHost, 'registry' | 'clock' | 'signal'>;
  readonly configuration?: PodSecurityConfiguration | undefined;
  readonly metrics: MetricsRegistry;
}

export function podSecurityPlugin({ host, configuration = defaultPodSecurity, metrics }: PodSecurityOptions): AdmissionPlugin {
  const security = new PodSecurity(host, configuration, new PodSecurityMetrics(metrics));
  return {
    name: 'PodSecurity',
    handles: (resource, operation, subresource) => {
      if (operation !== 'CREATE' && operation !== 'UPDATE') return false;
      if (isResource(resource, pods)) return !ignoredSubresources.has(subresource);
      return subresource === '' && (isResource(resource, namespaces) || hasPodTemplate(resource));
    },
    validate: (request) => {
      if (isResource(request.resource, pods)) security.judgePod(request);
      else if (isResource(request.resource, namespaces)) security.judgeNamespace(request);
      else security.judgeTemplate(request);
    },
    start: () => security.follow(),
  };
}

/** The policy of a namespace, with what every pod asks of it. */
interface KnownPolicy extends NamespacePolicy {
  /** Asks nothing of pods, and can be read. */
  readonly isOpen: boolean;
  readonly enforced: string;
}

class PodSecurity {
  readonly #host: PodSecurityOptions['host'];
  readonly #configuration: PodSecurityConfiguration;
  readonly #metrics: PodSecurityMetrics;
  /** By namespace, as the cache has them: labels are read when they change, not for every pod. */
  readonly #policies = new Map<string, KnownPolicy>();

  constructor(host: PodSecurityOptions['host'], configuration: PodSecurityConfiguration, metrics: PodSecurityMetrics) {
    this.#host = host;
    this.#configuration = configuration;
    this.#metrics = metrics;
  }

  /** Follows the namespaces until the server ends. */
  follow(): void {
    const { registry, signal } = this.#host;
    const observation = registry.observe(namespaces, ({ old, current }) => {
      if (current) this.#policies.set(current.metadata.name, this.#read(current));
      else if (old) this.#policies.delete(old.metadata.name);
    });
    signal.addEventListener('abort', () => observation[Symbol.dispose](), { once: true });
  }

  judgePod(request: AdmissionRequest): void {
    if (this.#isExempt(request)) return;
    const found = this.#policyFor(request);
    if (found.isOpen) {
      this.#metrics.unrestricted(request);
      annotate(request, 'enforce-policy', found.enforced);
      return;
    }
    // The resource says so; so below.
    const pod = request.object as unknown as corev1.Pod;
    if (request.oldObject && !changesImages(pod, request.oldObject as corev1.Pod)) return;
    this.#judge(request, pod, { ...found, enforces: true });
  }

  /** Templates are never refused: the pods that come of them may be. */
  judgeTemplate(request: AdmissionRequest): void {
    if (this.#isExempt(request)) return;
    const found = this.#policyFor(request);
    const { audit, warn } = found.policy;
    if (found.errors.length === 0 && audit.level === 'privileged' && warn.level === 'privileged') return;
    const template = podTemplateOf(request.object);
    if (template) this.#judge(request, template, { ...found, enforces: false });
  }

  judgeNamespace(request: AdmissionRequest): void {
    const { object, oldObject, resource, name } = request;
    assert(object, 'a namespace is written');
    const { defaults, exemptions } = this.#configuration;
    const { policy, errors } = policyOf(object.metadata.labels, defaults);
    const before = oldObject && policyOf(oldObject.metadata.labels, defaults);
    const isNewFault = errors.length > 0 && JSON.stringify(errors) !== JSON.stringify(before?.errors);
    if (isNewFault) throw invalid({ group: resource.group, resource: resource.kind, name: object.metadata.name || name }, errors);
    if (before && !isStricter(policy.enforce, before.policy.enforce)) return;
    const namespace = object.metadata.name;
    if (exemptions.namespaces.has(namespace)) {
      if (isFullyPrivileged(policy) || samePolicy(policy, defaults)) return;
      const ignored = `the policy (${formatPolicy(policy)}) will be ignored`;
      request.warn(`namespace ${JSON.stringify(namespace)} is exempt from Pod Security, and ${ignored}`);
      if (before) annotate(request, 'exempt', 'namespace');
      return;
    }
    if (!before) return;
    const existing = this.#host.registry
      .cachedList(pods, namespace)
      .filter(({ spec }) => !exemptions.runtimeClasses.has(spec.runtimeClassName ?? ''));
    const monotonic = (): number => this.#host.clock.monotonic();
    for (const warning of existingPodWarnings({ namespace, pods: existing, policy: policy.enforce, monotonic })) request.warn(warning);
  }

  #isExempt(request: AdmissionRequest): boolean {
    const { namespaces: exemptNamespaces, usernames } = this.#configuration.exemptions;
    const why = exemptNamespaces.has(request.namespace) ? 'namespace' : usernames.has(request.user.name) ? 'user' : undefined;
    if (why === undefined) return false;
    this.#metrics.exempted(request);
    annotate(request, 'exempt', why);
    return true;
  }

  #policyFor(request: AdmissionRequest): KnownPolicy {
    const known = this.#policies.get(request.namespace);
    if (known) return known;
    const namespace = this.#host.registry.cached(namespaces, { namespace: '', name: request.namespace });
    if (namespace) return this.#read(namespace);
    this.#metrics.failed(request, true);
    throw internalError(new Error(`failed to lookup namespace ${request.namespace}`));
  }

  #read({ metadata }: KubeObject): KnownPolicy {
    const { policy, errors } = policyOf(metadata.labels, this.#configuration.defaults);
    return { policy, errors, isOpen: errors.length === 0 && isFullyPrivileged(policy), enforced: formatLevelVersion(policy.enforce) };
  }

  #judge(request: AdmissionRequest, pod: PodLike, { policy, errors, enforces }: NamespacePolicy & { readonly enforces: boolean }): void {
    if (this.#configuration.exemptions.runtimeClasses.has(pod.spec.runtimeClassName ?? '')) {
      this.#metrics.exempted(request);
      annotate(request, 'exempt', 'runtimeClass');
      return;
    }
    if (errors.length > 0) {
      const texts = errors.map(({ field, message }) => `${field}: ${message}`);
      annotate(request, 'error', `Failed to parse policy: ${texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`}`);
      this.#metrics.failed(request, false);
    }
    const findings = remembering(pod);
    const enforced = enforces ? findings(policy.enforce) : [];
    if (enforces) {
      annotate(request, 'enforce-policy', formatLevelVersion(policy.enforce));
      this.#metrics.evaluated(request, { decision: enforced.length > 0 ? 'deny' : 'allow', mode: 'enforce', policy: policy.enforce });
    }
    const audited = findings(policy.audit);
    if (audited.length > 0) {
      annotate(request, 'audit-violations', `would ${violation(policy.audit, audited, 'violate')}`);
      this.#metrics.evaluated(request, { decision: 'deny', mode: 'audit', policy: policy.audit });
    }
    if (enforced.length > 0) throw refusal(request, violation(policy.enforce, enforced, 'violates'));
    const warned = findings(policy.warn);
    if (warned.length === 0) return;
    request.warn(`would ${violation(policy.warn, warned, 'violate')}`);
    this.#metrics.evaluated(request, { decision: 'deny', mode: 'warn', policy: policy.warn });
  }
}

function violation(policy: LevelVersion, findings: readonly Finding[], verb: string): string {
  return `${verb} PodSecurity ${JSON.stringify(formatLevelVersion(policy))}: ${formatFindings(findings)}`;
}

/** The three modes often ask the same. */
function remembering(pod: PodLike): (policy: LevelVersion) => readonly Finding[] {
  const known = new Map<string, readonly Finding[]>();
  return (policy) => {
    const key = formatLevelVersion(policy);
    const found = known.get(key) ?? findingsOf(pod, policy);
    known.set(key, found);
    return found;
  };
}

/** Whether pods that were fine before may not be. */
function isStricter(now: LevelVersion, before: LevelVersion): boolean {
  if (sameLevelVersion(now, before) || now.level === 'privileged') return false;
  return now.version !== before.version || levels.indexOf(now.level) > levels.indexOf(before.level);
}

/** What can change about a pod and matters: its images, and containers that are added. */
function changesImages(pod: corev1.Pod, old: corev1.Pod): boolean {
  const imagesOf = ({ spec }: corev1.Pod): string =>
    JSON.stringify([spec.containers ?? [], spec.initContainers ?? []].map((list) => list.map(({ image }) => image ?? '')));
  if (imagesOf(pod) !== imagesOf(old)) return true;
  const before = new Map((old.spec.ephemeralContainers ?? []).map(({ name, image }) => [name, image]));
  return (pod.spec.ephemeralContainers ?? []).some(({ name, image }) => !before.has(name) || before.get(name) !== image);
}

function annotate(request: AdmissionRequest, key: string, value: string): void {
  request.annotate?.(`${annotationPrefix}${key}`, value);
}
