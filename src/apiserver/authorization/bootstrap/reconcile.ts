/**
 * What has to change so that a role or binding of the default policy holds at least what it should. Adds only: what an administrator
 * added stays, and an object that says so is left alone. Pure.
 * @source component-helpers auth/rbac/reconciliation (reconcile_role.go, reconcile_rolebindings.go), v1.35
 */
import { type KubeObject, labelSelectorMatcher, type rbacv1, type Unsaved } from '../../../api/index.ts';
import { missingRules } from '../rbac/covers.ts';
import { autoUpdateAnnotation } from './default-policy.ts';

type Role = rbacv1.Role | rbacv1.ClusterRole;
type Binding = rbacv1.RoleBinding | rbacv1.ClusterRoleBinding;
type Selectors = NonNullable<rbacv1.AggregationRule['clusterRoleSelectors']>;

/** Fields of the stored object that get another value. */
export type Repair = Partial<Pick<rbacv1.ClusterRole, 'rules' | 'aggregationRule'> & Pick<rbacv1.ClusterRoleBinding, 'subjects'>> & {
  readonly metadata?: Pick<KubeObject['metadata'], 'labels' | 'annotations'>;
};

/** `keep`: nothing has to change. `replace`: what has to change cannot. */
export type Finding = 'keep' | 'replace' | Repair;

export function repairRole(stored: Role, wanted: Unsaved<Role>): Finding {
  if (isProtected(stored)) return 'keep';
  const selectors = missingSelectors(selectorsOf(stored), selectorsOf(wanted));
  // A role that gathers others has its rules from them.
  const rules = 'aggregationRule' in wanted ? [] : missingRules(stored.rules ?? [], wanted.rules ?? []);
  return finding({
    ...missingMetadata(stored, wanted.metadata),
    ...(rules.length > 0 && { rules: [...(stored.rules ?? []), ...rules] }),
    ...(selectors.length > 0 && { aggregationRule: { clusterRoleSelectors: [...selectorsOf(stored), ...selectors] } }),
  });
}

export function repairBinding(stored: Binding, wanted: Unsaved<Binding>): Finding {
  if (isProtected(stored)) return 'keep';
  const [{ apiGroup, kind, name }, ref] = [stored.roleRef, wanted.roleRef];
  if (kind !== ref.kind || name !== ref.name || apiGroup !== ref.apiGroup) return 'replace';
  const known = stored.subjects ?? [];
  const missing = (wanted.subjects ?? []).filter((subject) => !known.some((one) => sameSubject(one, subject)));
  return finding({ ...missingMetadata(stored, wanted.metadata), ...(missing.length > 0 && { subjects: [...known, ...missing] }) });
}

function finding(repair: Repair): Finding {
  return Object.keys(repair).length === 0 ? 'keep' : repair;
}

function isProtected({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[autoUpdateAnnotation] === 'false';
}

function sameSubject(a: rbacv1.Subject, b: rbacv1.Subject): boolean {
  return a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '') && (a.apiGroup ?? '') === (b.apiGroup ?? '');
}

function selectorsOf(role: object): Selectors {
  // Only cluster roles have the field.
  return (role as { readonly aggregationRule?: rbacv1.AggregationRule }).aggregationRule?.clusterRoleSelectors ?? [];
}

function missingSelectors(known: Selectors, wanted: Selectors): Selectors {
  const texts = new Set(known.map((selector) => labelSelectorMatcher(selector).toString()));
  return wanted.filter((selector) => !texts.has(labelSelectorMatcher(selector).toString()));
}

/** Labels and annotations that have another value are the administrator's. */
function missingMetadata(
  { metadata }: KubeObject,
  wanted: Pick<KubeObject['metadata'], 'labels' | 'annotations'>,
): Pick<Repair, 'metadata'> {
  const [labels, annotations] = [
    { ...wanted.labels, ...metadata.labels },
    { ...wanted.annotations, ...metadata.annotations },
  ];
  const isComplete = sizeOf(labels) === sizeOf(metadata.labels) && sizeOf(annotations) === sizeOf(metadata.annotations);
  return isComplete ? {} : { metadata: { labels, annotations } };
}

function sizeOf(map: Readonly<Record<string, string>> = {}): number {
  return Object.keys(map).length;
}
