/**
 * The configuration of PodSecurity: the policy of namespaces without labels, and who is not asked.
 * @source pod-security-admission admission/api, admission/api/validation, v1.35
 */
import { nameIsDnsLabel, nameIsDnsSubdomain } from '../../../api/index.ts';
import { ConfigurationReader } from '../configuration-reader.ts';
import {
  levelFault,
  type LevelVersion,
  type Mode,
  parseLevel,
  parsePolicyVersion,
  type Policy,
  privileged,
  versionFault,
} from './policy.ts';

export interface PodSecurityConfiguration {
  readonly defaults: Policy;
  readonly exemptions: {
    readonly usernames: ReadonlySet<string>;
    readonly namespaces: ReadonlySet<string>;
    readonly runtimeClasses: ReadonlySet<string>;
  };
}

export const defaultPodSecurity: PodSecurityConfiguration = {
  defaults: { enforce: privileged, audit: privileged, warn: privileged },
  exemptions: { usernames: new Set(), namespaces: new Set(), runtimeClasses: new Set() },
};

const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `pod-security.admission.config.k8s.io/${version}`);
const defaultFields = ['enforce', 'enforce-version', 'audit', 'audit-version', 'warn', 'warn-version'];

/** @throws RangeError naming the field that is wrong */
export function readPodSecurityConfiguration(value: unknown): PodSecurityConfiguration {
  const reader = new ConfigurationReader('admission plugin "PodSecurity"');
  const root = reader.object(value, '', ['apiVersion', 'kind', 'defaults', 'exemptions']);
  reader.kind(root, { kind: 'PodSecurityConfiguration', versions });
  const defaults = reader.object(root['defaults'], 'defaults', defaultFields);
  const read = (mode: Mode): LevelVersion => {
    const [levelText, versionText] = [
      reader.text(defaults[mode], `defaults.${mode}`) || 'privileged',
      reader.text(defaults[`${mode}-version`], `defaults.${mode}-version`) || 'latest',
    ];
    const [level, version] = [parseLevel(levelText), parsePolicyVersion(versionText)];
    if (!level) throw reader.fault(`defaults.${mode}`, `Invalid value: ${JSON.stringify(levelText)}: ${levelFault}`);
    if (version === undefined)
      throw reader.fault(`defaults.${mode}-version`, `Invalid value: ${JSON.stringify(versionText)}: ${versionFault}`);
    return { level, version };
  };
  const exemptions = reader.object(root['exemptions'], 'exemptions', ['usernames', 'namespaces', 'runtimeClasses']);
  const names = (field: string, faultsOf: (name: string) => string[]): ReadonlySet<string> => {
    const found = new Set<string>();
    for (const [i, name] of reader.texts(exemptions[field], `exemptions.${field}`).entries()) {
      const path = `exemptions.${field}[${i}]`;
      const faults = faultsOf(name);
      if (faults.length > 0) throw reader.fault(path, `Invalid value: ${JSON.stringify(name)}: ${faults.join(', ')}`);
      if (found.has(name)) throw reader.fault(path, `Duplicate value: ${JSON.stringify(name)}`);
      found.add(name);
    }
    return found;
  };
  return {
    defaults: { enforce: read('enforce'), audit: read('audit'), warn: read('warn') },
    exemptions: {
      usernames: names('usernames', (name) => (name === '' ? ['Required value'] : [])),
      namespaces: names('namespaces', (name) => nameIsDnsLabel(name, false)),
      runtimeClasses: names('runtimeClasses', (name) => nameIsDnsSubdomain(name, false)),
    },
  };
}
