/**
 * A container's mounts: its volume mounts, the managed /etc/hosts and the termination message file. Where a volume stands and how a
 * subPath is opened safely is the volume manager's business.
 * @source pkg/kubelet/kubelet_pods.go makeMounts, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import type { Mount } from '../runtime/runtime.ts';
import { type AnyContainer, CreateContainerConfigError, type Environment, type PreparedVolume, type VolumeManager } from '../seams.ts';

export interface MountsInput {
  readonly pod: corev1.Pod;
  readonly container: AnyContainer;
  readonly volumes: ReadonlyMap<string, PreparedVolume>;
  readonly volumeManager: Pick<VolumeManager, 'resolveSubPath'>;
  readonly environment: Pick<Environment, 'expand'>;
  readonly variables: readonly { readonly name: string; readonly value: string }[];
  /** Undefined: the container keeps the image's. */
  readonly hostsFile: string | undefined;
  readonly terminationMessageFile: string | undefined;
  readonly recursiveReadOnlySupported: boolean;
  /** Image references by volume name, after the pull. */
  readonly imageVolumes: ReadonlyMap<string, string>;
}

const etcHosts = '/etc/hosts';
const propagations = { None: 'private', HostToContainer: 'hostToContainer', Bidirectional: 'bidirectional' } as const;

/** @throws CreateContainerConfigError when a mount cannot be made as asked */
export async function containerMounts(input: MountsInput, ctx: Ctx): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const [index, mount] of (input.container.volumeMounts ?? []).entries()) mounts.push(await volumeMount(mount, index, input, ctx));
  const ownHosts = input.container.volumeMounts?.some(({ mountPath }) => mountPath === etcHosts);
  if (input.hostsFile !== undefined && !ownHosts) mounts.push({ containerPath: etcHosts, hostPath: input.hostsFile, readonly: false });
  const messagePath = input.container.terminationMessagePath;
  if (input.terminationMessageFile !== undefined && messagePath) {
    mounts.push({ containerPath: messagePath, hostPath: input.terminationMessageFile, readonly: false });
  }
  return mounts;
}

async function volumeMount(mount: corev1.VolumeMount, index: number, input: MountsInput, ctx: Ctx): Promise<Mount> {
  const volume = input.volumes.get(mount.name);
  if (!volume) {
    throw new CreateContainerConfigError(`cannot find volume "${mount.name}" to mount into container "${input.container.name}"`);
  }
  const containerPath = mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`;
  const subPath = subPathOf(mount, input);
  const readonly = (mount.readOnly ?? false) || volume.readOnly;
  if (volume.image) {
    const image = input.imageVolumes.get(mount.name) ?? volume.image.reference;
    return { containerPath, hostPath: '', readonly: true, image, ...(subPath !== '' && { imageSubPath: subPath }) };
  }
  return {
    containerPath,
    hostPath: subPath === '' ? volume.hostPath! : await resolve(mount, index, subPath, input, ctx),
    readonly,
    propagation: propagations[mount.mountPropagation ?? 'None'],
    ...(volume.selinuxRelabel && { selinuxRelabel: true }),
    ...recursive(mount, input),
  };
}

function recursive(mount: corev1.VolumeMount, { container, recursiveReadOnlySupported }: MountsInput): { recursiveReadOnly?: true } {
  switch (mount.recursiveReadOnly) {
    case 'Enabled':
      if (!recursiveReadOnlySupported) {
        throw new CreateContainerConfigError(
          `volume "${mount.name}" requested recursive read-only mode, but it is not supported by the runtime (container "${container.name}")`,
        );
      }
      return { recursiveReadOnly: true };
    case 'IfPossible':
      return recursiveReadOnlySupported ? { recursiveReadOnly: true } : {};
    default:
      return {};
  }
}

/** @source pkg/kubelet/kubelet_pods.go: the texts for paths that leave the volume */
function subPathOf({ subPath = '', subPathExpr }: corev1.VolumeMount, { environment, variables }: MountsInput): string {
  const path = subPathExpr ? environment.expand(subPathExpr, variables) : subPath;
  if (subPathExpr) {
    const missing = /(?<!\$)\$\(([^)]+)\)/.exec(path)?.[1];
    if (missing !== undefined) throw new CreateContainerConfigError(`missing value for "${missing}"`);
  }
  if (path.startsWith('/')) throw new CreateContainerConfigError(`error SubPath \`${path}\` must not be an absolute path`);
  if (path.split('/').includes('..'))
    throw new CreateContainerConfigError(`unable to provision SubPath \`${path}\`: must not contain '..'`);
  return path;
}

async function resolve(mount: corev1.VolumeMount, mountIndex: number, subPath: string, input: MountsInput, ctx: Ctx): Promise<string> {
  const { pod, container, volumeManager } = input;
  try {
    return await volumeManager.resolveSubPath({ pod, containerName: container.name, mountIndex, volumeName: mount.name, subPath }, ctx);
  } catch (cause) {
    ctx.signal.throwIfAborted();
    ctx.log.warn('a subPath could not be prepared', { container: container.name, volume: mount.name, err: cause });
    // The path itself is not told: it may hold secrets from the environment.
    throw new CreateContainerConfigError(`failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`, {
      cause,
    });
  }
}
