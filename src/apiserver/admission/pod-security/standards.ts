/**
 * The Pod Security Standards as a table: which check stands for what at which level, from which version on. A pod is judged by the
 * newest form of each check that is not newer than the policy's version.
 * @source pod-security-admission policy/registry.go, v1.35
 */
import {
  appArmorProfile,
  capabilitiesBaseline,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbesAndHostLifecycle,
  privileged,
  procMount,
  seccompAnnotations,
  seccompProfileBaseline,
  seLinuxOptions,
  sysctls,
  windowsHostProcess,
} from './baseline-checks.ts';
import type { Check, Finding, PodLike } from './finding.ts';
import type { LevelVersion } from './policy.ts';
import {
  allowPrivilegeEscalation,
  capabilitiesRestricted,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  seccompProfileRestricted,
  unlessUserNamespace,
  unlessWindows,
} from './restricted-checks.ts';

interface StandardCheck {
  readonly id: string;
  /** From a minor version on; ascending. */
  readonly versions: readonly (readonly [since: number, check: Check])[];
  /** Checks of the baseline that this one contains. */
  readonly overrides?: string;
}

const sysctls0 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
];
const sysctls27 = [...sysctls0, 'net.ipv4.ip_local_reserved_ports'];
const sysctls29 = [
  ...sysctls27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
];
const sysctls32 = [...sysctls29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'];
const seLinux0 = ['container_t', 'container_init_t', 'container_kvm_t'];
const seLinux31 = [...seLinux0, 'container_engine_t'];

/** In the order of their ids, which is the order of findings. */
const baseline: readonly StandardCheck[] = [
  { id: 'appArmorProfile', versions: [[0, appArmorProfile]] },
  { id: 'capabilities_baseline', versions: [[0, capabilitiesBaseline]] },
  { id: 'hostNamespaces', versions: [[0, hostNamespaces]] },
  { id: 'hostPathVolumes', versions: [[0, hostPathVolumes]] },
  { id: 'hostPorts', versions: [[0, hostPorts]] },
  { id: 'hostProbesAndHostLifecycle', versions: [[34, hostProbesAndHostLifecycle]] },
  { id: 'privileged', versions: [[0, privileged]] },
  {
    id: 'procMount',
    versions: [
      [0, procMount],
      [35, unlessUserNamespace(procMount)],
    ],
  },
  {
    id: 'seLinuxOptions',
    versions: [
      [0, seLinuxOptions(seLinux0)],
      [31, seLinuxOptions(seLinux31)],
    ],
  },
  {
    id: 'seccompProfile_baseline',
    versions: [
      [0, seccompAnnotations],
      [19, seccompProfileBaseline],
    ],
  },
  {
    id: 'sysctls',
    versions: [
      [0, sysctls(sysctls0)],
      [27, sysctls(sysctls27)],
      [29, sysctls(sysctls29)],
      [32, sysctls(sysctls32)],
    ],
  },
  { id: 'windowsHostProcess', versions: [[0, windowsHostProcess]] },
];

const restricted: readonly StandardCheck[] = [
  {
    id: 'allowPrivilegeEscalation',
    versions: [
      [8, allowPrivilegeEscalation],
      [25, unlessWindows(allowPrivilegeEscalation)],
    ],
  },
  {
    id: 'capabilities_restricted',
    overrides: 'capabilities_baseline',
    versions: [
      [22, capabilitiesRestricted],
      [25, unlessWindows(capabilitiesRestricted)],
    ],
  },
  { id: 'procMount_restricted', overrides: 'procMount', versions: [[35, procMount]] },
  { id: 'restrictedVolumes', overrides: 'hostPathVolumes', versions: [[0, restrictedVolumes]] },
  {
    id: 'runAsNonRoot',
    versions: [
      [0, runAsNonRoot],
      [35, unlessUserNamespace(runAsNonRoot)],
    ],
  },
  {
    id: 'runAsUser',
    versions: [
      [23, runAsUser],
      [35, unlessUserNamespace(runAsUser)],
    ],
  },
  {
    id: 'seccompProfile_restricted',
    overrides: 'seccompProfile_baseline',
    versions: [
      [19, seccompProfileRestricted],
      [25, unlessWindows(seccompProfileRestricted)],
    ],
  },
];

/** The newest version of any check: what `latest`, and every later version, means. */
const newest = Math.max(...[...baseline, ...restricted].flatMap(({ versions }) => versions.map(([since]) => since)));

const known = new Map<string, readonly Check[]>();

/** What is not allowed about a pod; empty when everything is. */
export function findingsOf(pod: PodLike, { level, version }: LevelVersion): Finding[] {
  if (level === 'privileged') return [];
  const minor = version === 'latest' ? newest : Math.min(version, newest);
  const key = `${level} ${minor}`;
  let checks = known.get(key);
  if (!checks) known.set(key, (checks = checksOf(level, minor)));
  return checks.map((check) => check(pod)).filter((finding) => finding !== undefined);
}

function checksOf(level: 'baseline' | 'restricted', minor: number): Check[] {
  const formOf = ({ versions }: StandardCheck): Check | undefined => versions.findLast(([since]) => since <= minor)?.[1];
  const added = level === 'baseline' ? [] : restricted.filter((check) => formOf(check) !== undefined);
  const overridden = new Set(added.map(({ overrides }) => overrides));
  return [...baseline.filter(({ id }) => !overridden.has(id)), ...added].map(formOf).filter((check) => check !== undefined);
}

/** Such as `hostPort (container "a" uses hostPort 80), privileged (…)`. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}
