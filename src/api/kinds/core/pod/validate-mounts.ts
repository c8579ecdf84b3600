/** Volume mounts and block devices of a container. @source pkg/apis/core/validation/validation.go ValidateVolumeMounts, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { addUnsupported, forbidden, invalidValue, notFound, required } from '../../../field-errors.ts';
import type { Container, VolumeDevice, VolumeMount } from '../../../gen/core-v1.ts';
import { backstepErrors, descendingPathErrors } from './path-rules.ts';
import type { VolumesByName } from './validate-volumes.ts';

export function validateMounts(
  container: Pick<Container, 'volumeMounts' | 'volumeDevices' | 'securityContext'>,
  rule: { readonly path: string; readonly volumes: VolumesByName },
  errors: FieldError[],
): void {
  const { volumes } = rule;
  const path = `${rule.path}.volumeMounts`;
  const devices = container.volumeDevices ?? [];
  const taken = new Set<string>();
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}[${i}]`;
    const { name, mountPath } = mount;
    if (!name) errors.push(required(`${at}.name`));
    if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name ?? ''));
    if (!mountPath) errors.push(required(`${at}.mountPath`));
    if (taken.has(mountPath)) errors.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    taken.add(mountPath);
    if (devices.some((device) => device.name === name))
      errors.push(invalidValue(`${at}.name`, name, 'must not already exist in volumeDevices'));
    if (devices.some((device) => device.devicePath === mountPath)) {
      errors.push(invalidValue(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'));
    }
    validateSubPath(mount, { path, at }, errors);
    if (mount.mountPropagation !== undefined) {
      validatePropagation(
        mount.mountPropagation,
        { path: `${path}.mountPropagation`, privileged: container.securityContext?.privileged === true },
        errors,
      );
    }
    validateRecursiveReadOnly(mount, `${path}.recursiveReadOnly`, errors);
  }
}

/** Upstream names these faults without the index of the mount. */
function validateSubPath(mount: VolumeMount, { path, at }: { readonly path: string; readonly at: string }, errors: FieldError[]): void {
  const { subPath, subPathExpr } = mount;
  if (subPath) errors.push(...descendingPathErrors(`${path}.subPath`, subPath));
  if (!subPathExpr) return;
  if (subPath) errors.push(invalidValue(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
  errors.push(...descendingPathErrors(`${path}.subPathExpr`, subPathExpr));
}

function validatePropagation(mode: string, rule: { readonly path: string; readonly privileged: boolean }, errors: FieldError[]): void {
  addUnsupported(errors, rule.path, mode, ['Bidirectional', 'HostToContainer', 'None']);
  if (mode === 'Bidirectional' && !rule.privileged) {
    errors.push(forbidden(rule.path, 'Bidirectional mount propagation is available only to privileged containers'));
  }
}

function validateRecursiveReadOnly(
  { recursiveReadOnly, readOnly, mountPropagation }: VolumeMount,
  path: string,
  errors: FieldError[],
): void {
  switch (recursiveReadOnly) {
    case undefined:
    case 'Disabled':
      return;
    case 'Enabled':
    case 'IfPossible':
      if (!readOnly) errors.push(forbidden(path, 'may only be specified when readOnly is true'));
      if (mountPropagation !== undefined && mountPropagation !== 'None') {
        errors.push(forbidden(path, 'may only be specified when mountPropagation is None or not specified'));
      }
      return;
    default:
      addUnsupported(errors, path, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']);
  }
}

export function validateDevices(
  devices: readonly VolumeDevice[],
  rule: { readonly path: string; readonly volumes: VolumesByName; readonly mounts: readonly VolumeMount[] },
  errors: FieldError[],
): void {
  const { volumes, mounts } = rule;
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [i, { name, devicePath }] of devices.entries()) {
    const at = `${rule.path}[${i}]`;
    const volume = volumes.get(name);
    if (!name) errors.push(required(`${at}.name`));
    if (names.has(name)) errors.push(invalidValue(`${at}.name`, name, 'must be unique'));
    if (!volume) errors.push(notFound(`${at}.name`, name ?? ''));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      errors.push(invalidValue(`${at}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'));
    }
    if (!devicePath) errors.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) errors.push(invalidValue(`${at}.devicePath`, devicePath, 'must be unique'));
    if (devicePath && backstepErrors('', devicePath).length > 0) {
      errors.push(invalidValue(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
    } else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name))
      errors.push(invalidValue(`${at}.name`, name, 'must not already exist in volumeMounts'));
    if (mounts.some((mount) => mount.mountPath === devicePath)) {
      errors.push(invalidValue(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'));
    }
    if (name) names.add(name);
  }
}
