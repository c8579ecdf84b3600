/**
 * Which Secrets and ConfigMaps a pod names, anywhere in it.
 * @source kubernetes pkg/api/pod/util.go VisitPodSecretNames, VisitPodConfigmapNames
 */
import type { Container, Pod as CorePod, Volume } from './gen/core-v1.ts';
import type { Draft } from './object.ts';

type Pod = CorePod | Draft<CorePod>;
type Environment = Pick<Container, 'env' | 'envFrom'>;

export function secretNamesOf({ spec }: Pod): string[] {
  const names: (string | undefined)[] = [
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...environmentsOf(spec).flatMap(({ env, envFrom }) => [
      ...(envFrom ?? []).map(({ secretRef }) => secretRef?.name),
      ...(env ?? []).map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ]),
    ...(spec.volumes ?? []).flatMap(secretNamesOfVolume),
  ];
  return names.filter(isNamed);
}

export function configMapNamesOf({ spec }: Pod): string[] {
  const names: (string | undefined)[] = [
    ...environmentsOf(spec).flatMap(({ env, envFrom }) => [
      ...(envFrom ?? []).map(({ configMapRef }) => configMapRef?.name),
      ...(env ?? []).map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
    ]),
    ...(spec.volumes ?? []).flatMap(({ configMap, projected }) => [
      configMap?.name,
      ...(projected?.sources ?? []).map((source) => source.configMap?.name),
    ]),
  ];
  return names.filter(isNamed);
}

/** Every container of a pod, init and ephemeral ones too. */
function environmentsOf(spec: Pod['spec']): readonly Environment[] {
  // The three kinds of containers share these fields.
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])] as readonly Environment[];
}

function secretNamesOfVolume(volume: Volume): (string | undefined)[] {
  return [
    volume.secret?.secretName,
    ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.storageos?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
  ];
}

function isNamed(name: string | undefined): name is string {
  return name !== undefined && name !== '';
}
