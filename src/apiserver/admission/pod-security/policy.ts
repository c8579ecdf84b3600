/**
 * Levels and versions, and which policy a namespace has by its labels.
 * @source pod-security-admission api/helpers.go, api/constants.go, v1.35
 */
import { type FieldError, fieldErrors } from '../../../api/index.ts';

export const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];

/** The minor version of `v1.x`. */
export type PolicyVersion = number | 'latest';

export interface LevelVersion {
  readonly level: Level;
  readonly version: PolicyVersion;
}

export const modes = ['enforce', 'audit', 'warn'] as const;
export type Mode = (typeof modes)[number];

/** What is done about pods of each level. */
export type Policy = Readonly<Record<Mode, LevelVersion>>;

const labelPrefix = 'pod-security.kubernetes.io/';
export const privileged: LevelVersion = { level: 'privileged', version: 'latest' };

export function parseLevel(text: string): Level | undefined {
  return levels.find((level) => level === text);
}

export function parsePolicyVersion(text: string): PolicyVersion | undefined {
  if (text === 'latest') return 'latest';
  const minor = /^v1\.(0|[1-9]\d*)$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

export const levelFault = `must be one of ${levels.join(', ')}`;
export const versionFault = 'must be "latest" or "v1.x"';

/** Such as `restricted:v1.35`. */
export function formatLevelVersion({ level, version }: LevelVersion): string {
  return `${level}:${version === 'latest' ? version : `v1.${version}`}`;
}

export function sameLevelVersion(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

/** Whether nothing is asked of anybody. */
export function isFullyPrivileged(policy: Policy): boolean {
  return modes.every((mode) => policy[mode].level === 'privileged');
}

export function samePolicy(a: Policy, b: Policy): boolean {
  return modes.every((mode) => sameLevelVersion(a[mode], b[mode]));
}

/** What is asked, such as `enforce=baseline:latest, warn=restricted:latest`. */
export function formatPolicy(policy: Policy): string {
  return modes
    .filter((mode) => policy[mode].level !== 'privileged')
    .map((mode) => `${mode}=${formatLevelVersion(policy[mode])}`)
    .join(', ');
}

export interface NamespacePolicy {
  readonly policy: Policy;
  /** Labels that cannot be read: enforcement is then as strict as can be, the other two ask nothing. */
  readonly errors: readonly FieldError[];
}

export function policyOf(labels: Readonly<Record<string, string>> | undefined, defaults: Policy): NamespacePolicy {
  const errors: FieldError[] = [];
  const read = (mode: Mode): LevelVersion => {
    let { level, version } = defaults[mode];
    const [levelKey, versionKey] = [`${labelPrefix}${mode}`, `${labelPrefix}${mode}-version`];
    const [levelText, versionText] = [labels?.[levelKey], labels?.[versionKey]];
    if (levelText !== undefined) {
      const parsed = parseLevel(levelText);
      if (!parsed) errors.push(fieldErrors.invalidValue(`metadata.labels[${levelKey}]`, levelText, levelFault));
      level = parsed ?? (mode === 'enforce' ? 'restricted' : 'privileged');
    }
    if (versionText !== undefined) {
      const parsed = parsePolicyVersion(versionText);
      if (parsed === undefined) errors.push(fieldErrors.invalidValue(`metadata.labels[${versionKey}]`, versionText, versionFault));
      version = parsed ?? 'latest';
    }
    return { level, version };
  };
  return { policy: { enforce: read('enforce'), audit: read('audit'), warn: read('warn') }, errors };
}
