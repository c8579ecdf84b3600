/**
 * What holds for every container: regular, init and ephemeral.
 * @source pkg/apis/core/validation/validation.go validateContainerCommon, v1.35
 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, addUnsupported, duplicate, invalidValue, notSupported, required, tooMany } from '../../../field-errors.ts';
import type { Container, ContainerPort, ContainerResizePolicy, ContainerRestartRule } from '../../../gen/core-v1.ts';
import { dns1123LabelErrors, portNameErrors, portNumberErrors } from '../../../names.ts';
import { supportedProtocols } from '../port-rules.ts';
import { validateEnv, validateEnvFrom } from './validate-env.ts';
import { validateDevices, validateMounts } from './validate-mounts.ts';
import { validateRequirements } from './validate-resources.ts';
import { validateContainerSecurity } from './validate-security.ts';
import type { VolumesByName } from './validate-volumes.ts';

/** What the rules for containers need to know of the rest of the pod. */
export interface ContainerContext {
  readonly volumes: VolumesByName;
  /** Names in `spec.resourceClaims`. */
  readonly claimNames: ReadonlySet<string>;
  readonly gracePeriod: number | undefined;
  readonly podRestartPolicy: string;
  /** False: the pod has a user namespace of its own. */
  readonly hostUsers: boolean;
}

export function validateContainer(container: Container, path: string, pod: ContainerContext, errors: FieldError[]): void {
  const { volumes } = pod;
  if (!container.name) errors.push(required(`${path}.name`));
  else addInvalid(errors, `${path}.name`, container.name, dns1123LabelErrors(container.name));
  if (!container.image) errors.push(required(`${path}.image`));
  const policy = container.terminationMessagePolicy;
  if (!policy) errors.push(required(`${path}.terminationMessagePolicy`));
  else addUnsupported(errors, `${path}.terminationMessagePolicy`, policy, ['File', 'FallbackToLogsOnError']);
  if (container.ports) validatePorts(container.ports, `${path}.ports`, errors);
  if (container.env) validateEnv(container.env, `${path}.env`, errors);
  if (container.envFrom) validateEnvFrom(container.envFrom, `${path}.envFrom`, errors);
  if (container.volumeMounts) validateMounts(container, { path, volumes }, errors);
  if (container.volumeDevices) {
    validateDevices(container.volumeDevices, { path: `${path}.volumeDevices`, volumes, mounts: container.volumeMounts ?? [] }, errors);
  }
  validatePullPolicy(container.imagePullPolicy, `${path}.imagePullPolicy`, errors);
  if (container.resources) validateRequirements(container.resources, { path: `${path}.resources`, claimNames: pod.claimNames }, errors);
  if (container.resizePolicy) validateResizePolicy(container.resizePolicy, { path: `${path}.resizePolicy`, pod }, errors);
  if (container.securityContext) {
    validateContainerSecurity(container.securityContext, { path: `${path}.securityContext`, hostUsers: pod.hostUsers }, errors);
  }
}

export function validatePullPolicy(policy: string | undefined, path: string, errors: FieldError[]): void {
  if (!policy) errors.push(required(path));
  else addUnsupported(errors, path, policy, ['Always', 'IfNotPresent', 'Never']);
}

function validatePorts(ports: readonly ContainerPort[], path: string, errors: FieldError[]): void {
  const names = new Set<string>();
  for (const [i, { name, containerPort, hostPort, protocol }] of ports.entries()) {
    const at = `${path}[${i}]`;
    if (name) {
      const faults = portNameErrors(name);
      addInvalid(errors, `${at}.name`, name, faults);
      if (faults.length === 0 && names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (!containerPort) errors.push(required(`${at}.containerPort`));
    else addInvalid(errors, `${at}.containerPort`, containerPort, portNumberErrors(containerPort));
    if (hostPort) addInvalid(errors, `${at}.hostPort`, hostPort, portNumberErrors(hostPort));
    if (!protocol) errors.push(required(`${at}.protocol`));
    else addUnsupported(errors, `${at}.protocol`, protocol, supportedProtocols);
  }
}

/** No two ports of these containers are the same port of the node. */
export function validateHostPorts(containers: readonly Container[], path: string, errors: FieldError[]): void {
  let taken: Set<string> | undefined;
  for (const [i, { ports = [] }] of containers.entries()) {
    for (const [j, { hostPort, hostIP = '', protocol }] of ports.entries()) {
      if (!hostPort) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      taken ??= new Set();
      if (taken.has(key)) errors.push(duplicate(`${path}[${i}].ports[${j}].hostPort`, key));
      taken.add(key);
    }
  }
}

function validateResizePolicy(
  policies: readonly ContainerResizePolicy[],
  { path, pod }: { readonly path: string; readonly pod: ContainerContext },
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, { resourceName, restartPolicy }] of policies.entries()) {
    if (seen.has(resourceName)) errors.push(duplicate(`${path}[${i}]`, resourceName));
    seen.add(resourceName);
    if (!resourceName) errors.push(required(path));
    else addUnsupported(errors, path, resourceName, ['cpu', 'memory']);
    if (!restartPolicy) errors.push(required(path));
    else addUnsupported(errors, path, restartPolicy, ['NotRequired', 'RestartContainer']);
    if (pod.podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.push(invalidValue(path, restartPolicy ?? '', "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
  }
}

const maxRestartRules = 20;
const maxExitCodes = 255;

/** A container's own restart policy, and the exit codes that it restarts on. */
export function validateRestartPolicy(
  { restartPolicy, restartPolicyRules = [] }: Pick<Container, 'restartPolicy' | 'restartPolicyRules'>,
  path: string,
  errors: FieldError[],
): void {
  if (restartPolicy === undefined) {
    if (restartPolicyRules.length > 0) {
      errors.push(required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used'));
    }
  } else addUnsupported(errors, `${path}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']);
  if (restartPolicyRules.length > maxRestartRules) {
    errors.push(tooMany(`${path}.restartPolicyRules`, restartPolicyRules.length, maxRestartRules));
  }
  for (const [i, rule] of restartPolicyRules.entries()) validateRestartRule(rule, `${path}.restartPolicyRules[${i}]`, errors);
}

function validateRestartRule({ action, exitCodes }: ContainerRestartRule, path: string, errors: FieldError[]): void {
  if (action !== 'Restart') errors.push(notSupported(`${path}.action`, action ?? '', ['Restart']));
  if (!exitCodes) {
    errors.push(required(`${path}.exitCodes`, 'must be specified'));
    return;
  }
  addUnsupported(errors, `${path}.exitCodes.operator`, exitCodes.operator ?? '', ['In', 'NotIn']);
  const count = exitCodes.values?.length ?? 0;
  if (count > maxExitCodes) errors.push(tooMany(`${path}.exitCodes.values`, count, maxExitCodes));
}
