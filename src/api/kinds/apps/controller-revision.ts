/**
 * ControllerRevision: one version of what a DaemonSet or StatefulSet makes pods of, kept to go back to; it never changes.
 * @source pkg/apis/apps/validation/validation.go, pkg/registry/apps/controllerrevision/strategy.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { required } from '../../field-errors.ts';
import type { ControllerRevision } from '../../gen/apps-v1.ts';
import type { OwnerReference } from '../../gen/meta-v1.ts';
import { appsv1Resources } from '../../gen/resources.ts';
import { controllerOf } from '../../owner-references.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { immutableField } from '../immutable.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { nonNegativeErrors } from './pod-template-rules.ts';

export const controllerRevisionResource: ResourceDefinition = defineResource<ControllerRevision>({
  ref: appsv1Resources.controllerrevisions,
  columns: [
    nameColumn,
    column('Controller', 'string', 'Whose version it is.', controllerText),
    column('Revision', 'integer', 'Its number.', ({ revision }) => revision),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (revision) => {
      // A number without omitempty upstream: always printed.
      revision.revision ??= 0;
    },
    validate: (revision) => [...nonNegativeErrors('revision', revision.revision), ...dataErrors(revision)],
    validateUpdate: ({ revision, data }, old) => [...nonNegativeErrors('revision', revision), ...immutableField('data', data, old.data)],
  },
});

/** Such as `statefulset.apps/web`. */
function controllerText(revision: ControllerRevision): string {
  const controller = controllerOf(revision);
  if (!controller) return '<none>';
  // Whatever was stored is shown.
  const { apiVersion = '', kind = '', name } = controller as Partial<OwnerReference>;
  const group = apiVersion.includes('/') ? `.${apiVersion.slice(0, apiVersion.indexOf('/'))}` : '';
  return `${kind}${group}`.toLowerCase() + `/${name}`;
}

function dataErrors({ data }: ControllerRevision): FieldError[] {
  if (data === undefined || data === null) return [required('data', 'data is mandatory')];
  return typeof data === 'object' && !Array.isArray(data) ? [] : [required('data', 'data must be a valid JSON object')];
}
