/**
 * For which audiences a kubelet may ask tokens of a pod's account: those that the pod's volumes name, and those that somebody allowed
 * the node with the verb `request-serviceaccounts-token-audience`.
 * @source kubernetes plugin/pkg/admission/noderestriction (ServiceAccountNodeAudienceRestriction), v1.35
 */
import { type authenticationv1, type corev1, corev1Resources, type Draft, goQuote, storagev1Resources } from '../../api/index.ts';
import type { AdmissionContext, AdmissionRequest } from '../admission.ts';
import { resourceAccess, type Verdict } from '../authorization/index.ts';
import { refusal } from './refusal.ts';

type Audiences = Draft<authenticationv1.TokenRequest>['spec']['audiences'];

/** @throws ApiError Forbidden. Returns nothing when it is done at once. */
export function admitAudiences(
  audiences: Audiences | undefined,
  pod: corev1.Pod,
  request: AdmissionRequest,
  ctx: AdmissionContext,
): void | Promise<void> {
  const [audience = '', ...more] = audiences ?? [];
  if (more.length > 0) throw refusal(request, 'node may only request 0 or 1 audiences');
  if (isNamedBy(pod, audience, ctx)) return;
  const { namespace, name, user } = request;
  const access = resourceAccess({ verb: 'request-serviceaccounts-token-audience', version: 'v1', resource: audience, namespace, name });
  const decide = ({ decision }: Verdict): void => {
    if (decision !== 'allow') throw refusal(request, `audience ${goQuote(audience)} not found in pod spec volume`);
  };
  const verdict = ctx.authorize(user, access);
  return verdict instanceof Promise ? verdict.then(decide) : decide(verdict);
}

function isNamedBy(pod: corev1.Pod, audience: string, ctx: AdmissionContext): boolean {
  return (pod.spec.volumes ?? []).some((volume) => {
    const isProjected = volume.projected?.sources?.some(
      (source) => source.serviceAccountToken && (source.serviceAccountToken.audience ?? '') === audience,
    );
    if (isProjected) return true;
    const driver = driverOf(pod, volume, ctx);
    const tokens =
      driver === undefined
        ? undefined
        : ctx.registry.cached(storagev1Resources.csidrivers, { namespace: '', name: driver })?.spec.tokenRequests;
    return tokens?.some((token) => token.audience === audience) ?? false;
  });
}

/** The CSI driver behind a volume, itself or by way of a claim. */
function driverOf(pod: corev1.Pod, volume: corev1.Volume, { registry }: AdmissionContext): string | undefined {
  if (volume.csi) return volume.csi.driver;
  const claimName = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${pod.metadata.name}-${volume.name}`);
  if (claimName === undefined) return undefined;
  const claim = registry.cached(corev1Resources.persistentvolumeclaims, { namespace: pod.metadata.namespace ?? '', name: claimName });
  const volumeName = claim?.spec.volumeName;
  if (!volumeName) return undefined;
  return registry.cached(corev1Resources.persistentvolumes, { namespace: '', name: volumeName })?.spec.csi?.driver;
}
