/**
 * The configuration of ResourceQuota admission: resources and scopes that may be used only in namespaces whose quota speaks of them.
 * @source apiserver pkg/admission/plugin/resourcequota/apis/resourcequota, v1.35
 */
import type { ScopeRequirement } from '../../../api/quota/index.ts';
import { ConfigurationReader } from '../configuration-reader.ts';

export interface LimitedResource {
  readonly apiGroup: string;
  readonly resource: string;
  /** Parts of names: a resource whose name contains one is limited. */
  readonly matchContains: readonly string[];
  readonly matchScopes: readonly ScopeRequirement[];
}

export interface ResourceQuotaConfiguration {
  readonly limitedResources: readonly LimitedResource[];
}

const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `apiserver.config.k8s.io/${version}`);
const olderVersions = ['v1beta1', 'v1alpha1'].map((version) => `resourcequota.admission.k8s.io/${version}`);

/** @throws RangeError naming the field that is wrong */
export function readResourceQuotaConfiguration(value: unknown): ResourceQuotaConfiguration {
  const reader = new ConfigurationReader('admission plugin "ResourceQuota"');
  const root = reader.object(value, '', ['apiVersion', 'kind', 'limitedResources']);
  const older = root['kind'] === 'Configuration';
  reader.kind(root, older ? { kind: 'Configuration', versions: olderVersions } : { kind: 'ResourceQuotaConfiguration', versions });
  const limitedResources = reader.list(root['limitedResources'], 'limitedResources').map((item, i) => {
    const path = `limitedResources[${i}]`;
    const { apiGroup, resource, matchContains, matchScopes } = reader.object(item, path, [
      'apiGroup',
      'resource',
      'matchContains',
      'matchScopes',
    ]);
    if (resource === undefined || resource === '') throw reader.fault(`${path}.resource`, 'Required value');
    return {
      apiGroup: reader.text(apiGroup, `${path}.apiGroup`),
      resource: reader.text(resource, `${path}.resource`),
      matchContains: reader.texts(matchContains, `${path}.matchContains`),
      matchScopes: reader.list(matchScopes, `${path}.matchScopes`).map((scope, j) => readScope(reader, scope, `${path}.matchScopes[${j}]`)),
    };
  });
  return { limitedResources };
}

function readScope(reader: ConfigurationReader, value: unknown, path: string): ScopeRequirement {
  const { scopeName, operator, values } = reader.object(value, path, ['scopeName', 'operator', 'values']);
  const names = reader.texts(values, `${path}.values`);
  return {
    // Names that no evaluator knows match nothing, as upstream.
    scopeName: reader.text(scopeName, `${path}.scopeName`) as ScopeRequirement['scopeName'],
    operator: (reader.text(operator, `${path}.operator`) || 'Exists') as ScopeRequirement['operator'],
    ...(names.length > 0 && { values: names }),
  };
}
