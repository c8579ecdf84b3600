/** Which objects hold the template of a pod, and where. @source pod-security-admission admission DefaultPodSpecExtractor, v1.35 */
import type { corev1, ResourceDefinition } from '../../../api/index.ts';
import type { PodLike } from './finding.ts';

const withTemplate: ReadonlySet<string> = new Set([
  'replicationcontrollers',
  'podtemplates',
  'replicasets.apps',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'cronjobs.batch',
]);

/** What the kinds with a template may have. */
interface Templated {
  readonly template?: corev1.PodTemplateSpec;
  readonly spec?: {
    readonly template?: corev1.PodTemplateSpec;
    readonly jobTemplate?: { readonly spec?: { readonly template?: corev1.PodTemplateSpec } };
  };
}

export function hasPodTemplate({ group, plural }: ResourceDefinition): boolean {
  return withTemplate.has(group === '' ? plural : `${plural}.${group}`);
}

/** Undefined when there is none, as a ReplicationController may have. */
export function podTemplateOf(object: unknown): PodLike | undefined {
  const { template, spec } = object as Templated;
  const found = template ?? spec?.template ?? spec?.jobTemplate?.spec?.template;
  return found?.spec && { metadata: found.metadata, spec: found.spec };
}
