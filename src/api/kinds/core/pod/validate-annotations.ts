/**
 * Annotations that mean something for a pod: mirror pods, deletion cost, and the security profiles of old.
 * @source pkg/apis/core/validation/validation.go ValidatePodSpecificAnnotations, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { forbidden, invalidValue } from '../../../field-errors.ts';
import type { PodSpec } from '../../../gen/core-v1.ts';
import { goQuote } from '../../../go-text.ts';
import { allContainers } from './containers.ts';
import { descendingPathErrors } from './path-rules.ts';

/** On a pod that a kubelet made from a file: the hash of that file. */
export const mirrorPodAnnotation = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';

type Annotations = Readonly<Record<string, string>>;

export function validatePodAnnotations(
  annotations: Annotations,
  rule: { readonly path: string; readonly spec: PodSpec },
  errors: FieldError[],
): void {
  const { path, spec } = rule;
  const mirror = annotations[mirrorPodAnnotation];
  if (mirror !== undefined && !spec.nodeName) {
    errors.push(invalidValue(`${path}[${mirrorPodAnnotation}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  }
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isInt32(cost)) errors.push(invalidValue(`${path}[${deletionCost}]`, cost, 'must be a 32bit integer'));
  for (const key in annotations) {
    const value = annotations[key]!;
    if (key === seccompPod || key.startsWith(seccompContainerPrefix)) validateSeccompText(value, `${path}.${key}`, errors);
    else if (key.startsWith(appArmorPrefix)) {
      const name = key.slice(appArmorPrefix.length);
      if (!allContainers(spec, '').some(({ container }) => container.name === name)) {
        errors.push(invalidValue(`${path}[${key}]`, name, 'container not found'));
      }
      if (value !== '' && value !== 'runtime/default' && value !== 'unconfined' && !value.startsWith('localhost/')) {
        errors.push(invalidValue(`${path}[${key}]`, value, `invalid AppArmor profile name: ${goQuote(value)}`));
      }
    }
  }
}

function isInt32(text: string): boolean {
  const value = Number(text);
  return /^(?:0|-[0-9]+|[1-9][0-9]*)$/.test(text) && value >= -0x80000000 && value <= 0x7fffffff;
}

function validateSeccompText(profile: string, path: string, errors: FieldError[]): void {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return;
  if (profile.startsWith('localhost/')) errors.push(...descendingPathErrors(path, profile.slice('localhost/'.length)));
  else errors.push(invalidValue(path, profile, 'must be a valid seccomp profile'));
}

/** Marks that may neither be added nor changed. */
export function validateAnnotationUpdate(now: Annotations, then: Annotations, path: string, errors: FieldError[]): void {
  for (const key in then) {
    if (now[key] === then[key]) continue;
    if (key.startsWith(appArmorPrefix)) errors.push(forbidden(`${path}[${key}]`, 'may not remove or update AppArmor annotations'));
    if (key === mirrorPodAnnotation) errors.push(forbidden(`${path}[${key}]`, 'may not remove or update mirror pod annotation'));
  }
  for (const key in now) {
    if (Object.hasOwn(then, key)) continue;
    if (key.startsWith(appArmorPrefix)) errors.push(forbidden(`${path}[${key}]`, 'may not add AppArmor annotations'));
    if (key === mirrorPodAnnotation) errors.push(forbidden(`${path}[${key}]`, 'may not add mirror pod annotation'));
  }
}

/** Where a profile is named both in an annotation of old and in a field, the two agree. */
export function validateProfileAgreement(
  annotations: Annotations,
  rule: { readonly path: string; readonly spec: PodSpec },
  errors: FieldError[],
): void {
  const { path, spec } = rule;
  if (!hasProfileAnnotation(annotations)) return;
  const podSeccomp = spec.securityContext?.seccompProfile;
  agree({ what: 'seccomp', text: annotations[seccompPod], profile: podSeccomp, path: `${path}.securityContext.seccompProfile` }, errors);
  for (const { container, path: at } of allContainers(spec, path)) {
    const own = container.securityContext;
    const seccomp = annotations[seccompContainerPrefix + container.name];
    agree({ what: 'seccomp', text: seccomp, profile: own?.seccompProfile, path: `${at}.securityContext.seccompProfile` }, errors);
  }
  if (spec.os?.name === 'windows') return;
  for (const { container, path: at } of allContainers(spec, path)) {
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    const text = annotations[appArmorPrefix + container.name];
    agree({ what: 'apparmor', text, profile, path: `${at}.securityContext.appArmorProfile` }, errors);
  }
}

function hasProfileAnnotation(annotations: Annotations): boolean {
  for (const key in annotations) {
    if (key === seccompPod || key.startsWith(seccompContainerPrefix) || key.startsWith(appArmorPrefix)) return true;
  }
  return false;
}

interface ProfileClaim {
  readonly what: 'seccomp' | 'apparmor';
  readonly text: string | undefined;
  readonly profile: { readonly type: string; readonly localhostProfile?: string } | undefined;
  readonly path: string;
}

function agree({ what, text, profile, path }: ProfileClaim, errors: FieldError[]): void {
  if (text === undefined || !profile) return;
  const type = text === 'unconfined' ? 'Unconfined' : text.startsWith('localhost/') ? 'Localhost' : 'RuntimeDefault';
  if (type !== profile.type) errors.push(forbidden(`${path}.type`, `${what} type in annotation and field must match`));
  else if (type === 'Localhost' && text.slice('localhost/'.length) !== profile.localhostProfile) {
    errors.push(forbidden(`${path}.localhostProfile`, `${what} profile in annotation and field must match`));
  }
}
