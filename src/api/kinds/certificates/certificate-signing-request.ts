/**
 * CertificateSigningRequest: somebody asks a signer for a certificate. The API server writes down who asked; the request itself does
 * not change any more.
 * @source pkg/registry/certificates/certificates/strategy.go, pkg/printers/internalversion/printers.go, v1.35
 */
import { humanDuration } from '../../duration.ts';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestSpec,
  CertificateSigningRequestStatus,
} from '../../gen/certificates-v1.ts';
import { certificatesv1Resources } from '../../gen/resources.ts';
import { nameRule, pathSegmentErrors } from '../../names.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource, partVerbs, statusSubresource } from '../define-resource.ts';
import { assignOrDelete } from '../keep.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { formatTime } from '../time-text.ts';
import { validateRequest, validateRequestUpdate } from './certificate-signing-request-rules.ts';

type Status = Draft<CertificateSigningRequestStatus>;
type Spec = Draft<CertificateSigningRequestSpec>;

export const certificateSigningRequestResource: ResourceDefinition = defineResource<CertificateSigningRequest>({
  ref: certificatesv1Resources.certificatesigningrequests,
  shortNames: ['csr'],
  subresources: [
    statusSubresource<CertificateSigningRequest>({
      prepareForUpdate: (request, old, { nowMs }) => {
        request.spec = old.spec as Spec;
        keepApproval(request.status, old.status);
        stampConditions(request.status, old.status, nowMs);
      },
      validateUpdate: validateRequestUpdate('sign'),
    }),
    {
      name: 'approval',
      verbs: partVerbs,
      handler: 'status',
      strategy: {
        resetFields: ['spec', 'status.certificate'],
        prepareForUpdate: (request, old, { nowMs }) => {
          stampConditions(request.status, old.status, nowMs);
          const { conditions } = request.status;
          request.spec = old.spec as Spec;
          request.status = { ...(old.status as Status) };
          assignOrDelete(request.status, 'conditions', conditions);
        },
        validateUpdate: validateRequestUpdate('approve'),
      },
    },
  ],
  columns: [
    nameColumn,
    ageColumn,
    column('SignerName', 'string', 'The signer that is asked.', ({ spec }) => spec.signerName || '<none>'),
    column('Requestor', 'string', 'Who asks.', ({ spec }) => spec.username ?? ''),
    column('RequestedDuration', 'string', 'How long the certificate should be valid.', ({ spec }) =>
      spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000),
    ),
    column('Condition', 'string', 'How far it is.', ({ status }) => conditionText(status)),
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
  strategy: {
    validateName: nameRule(pathSegmentErrors),
    resetFields: ['spec', 'status'],
    applyDefaults: (request) => {
      request.spec ??= {} as Spec;
      request.status ??= {};
    },
    prepareForCreate: (request, { user }) => {
      const { spec } = request;
      spec.username = user.name;
      assignOrDelete(spec, 'uid', user.uid);
      spec.groups = [...user.groups];
      const extra: Record<string, string[]> = {};
      for (const [key, values] of Object.entries(user.extra ?? {})) extra[key] = [...values];
      assignOrDelete(spec, 'extra', Object.keys(extra).length > 0 ? extra : undefined);
      request.status = {};
    },
    prepareForUpdate: (request, old) => {
      request.spec = old.spec as Spec;
      request.status = old.status as Status;
    },
    validate: validateRequest,
    validateUpdate: validateRequestUpdate('nothing'),
  },
});

/** What was decided stays as it was; where the number of decisions differs, validation says that it may not. */
function keepApproval(status: Status, old: CertificateSigningRequestStatus): void {
  const conditions = status.conditions ?? [];
  for (const type of ['Approved', 'Denied']) {
    const before = (old.conditions ?? []).filter((condition) => condition.type === type);
    const places = conditions.flatMap((condition, i) => (condition.type === type ? [i] : []));
    if (before.length === places.length) for (const [i, place] of places.entries()) conditions[place] = { ...before[i]! };
  }
}

/** Times that the writer left out: now, or when the condition became what it is. */
function stampConditions(status: Status, old: CertificateSigningRequestStatus, nowMs: number): void {
  const now = formatTime(nowMs);
  for (const condition of status.conditions ?? []) {
    condition.lastUpdateTime ??= now;
    condition.lastTransitionTime ??= old.conditions?.find((before) => isSameState(before, condition))?.lastTransitionTime ?? now;
  }
}

function isSameState(a: CertificateSigningRequestCondition, b: CertificateSigningRequestCondition): boolean {
  return a.type === b.type && a.status === b.status && a.lastTransitionTime !== undefined;
}

function conditionText({ conditions = [], certificate }: CertificateSigningRequestStatus): string {
  const has = (type: string): boolean => conditions.some((condition) => condition.type === type);
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${decision}${has('Failed') ? ',Failed' : ''}${certificate ? ',Issued' : ''}`;
}
