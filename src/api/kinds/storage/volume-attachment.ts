/**
 * VolumeAttachment: a volume that is to be attached to a node, and how far that is. Nobody changes what was asked.
 * @source pkg/registry/storage/volumeattachment/strategy.go, pkg/apis/storage/validation/validation.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, forbidden, invalidValue, required, tooLong } from '../../field-errors.ts';
import { storagev1Resources } from '../../gen/resources.ts';
import type { VolumeAttachment, VolumeAttachmentSource, VolumeAttachmentSpec, VolumeError } from '../../gen/storage-v1.ts';
import { dns1123SubdomainErrors, inclusiveRangeError } from '../../names.ts';
import { utf8Length } from '../../object-meta.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { validateVolumeSpec } from '../core/persistent-volume-rules.ts';
import { validateCsi } from '../core/pod/validate-storage-sources.ts';
import { canonicalizeResources } from '../core/resource-list.ts';
import { applyVolumeSourceDefaults } from '../core/volume-source-defaults.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { sameJson } from '../immutable.ts';
import { keepMetadata } from '../keep.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';

const maxMetadataBytes = 256 * 1024;
const maxMessageBytes = 1024;
const maxErrorCode = 2 ** 31 - 1;

export const volumeAttachmentResource: ResourceDefinition = defineResource<VolumeAttachment>({
  ref: storagev1Resources.volumeattachments,
  subresources: [
    statusSubresource<VolumeAttachment>({
      resetFields: ['spec', 'metadata'],
      prepareForUpdate: (attachment, old) => {
        attachment.spec = old.spec as Draft<VolumeAttachmentSpec>;
        keepMetadata(attachment.metadata, old.metadata);
      },
      validateUpdate: validateAttachmentUpdate,
    }),
  ],
  columns: [
    nameColumn,
    column('Attacher', 'string', 'The driver that attaches it.', ({ spec }) => spec.attacher),
    column('PV', 'string', 'The volume.', ({ spec }) => spec.source.persistentVolumeName ?? ''),
    column('Node', 'string', 'The node.', ({ spec }) => spec.nodeName),
    column('Attached', 'boolean', 'Whether it is attached.', ({ status }) => status.attached),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (attachment) => {
      attachment.spec ??= {} as Draft<VolumeAttachmentSpec>;
      attachment.spec.source ??= {};
      attachment.status ??= { attached: false };
      attachment.status.attached ??= false;
      const inline = attachment.spec.source.inlineVolumeSpec;
      if (!inline) return;
      inline.volumeMode ??= 'Filesystem';
      canonicalizeResources(inline.capacity);
      applyVolumeSourceDefaults(inline);
    },
    prepareForCreate: (attachment) => {
      attachment.status = { attached: false };
    },
    prepareForUpdate: (attachment, old) => {
      attachment.status = old.status;
    },
    validate: (attachment) => [...validateAttachment(attachment), ...strictErrors(attachment)],
    validateUpdate: validateAttachmentUpdate,
    allowUnconditionalUpdate: false,
  },
});

function validateAttachment({ spec, status }: VolumeAttachment): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec.attacher) errors.push(required('spec.attacher'));
  validateSource(spec.source, 'spec.source', errors);
  addInvalid(errors, 'spec.nodeName', spec.nodeName ?? '', dns1123SubdomainErrors(spec.nodeName ?? ''));
  let bytes = 0;
  for (const [key, value] of Object.entries(status.attachmentMetadata ?? {})) bytes += utf8Length(key) + utf8Length(value);
  if (bytes > maxMetadataBytes) errors.push(tooLong('status.attachmentMetadata', maxMetadataBytes));
  for (const field of ['attachError', 'detachError'] as const) {
    const error = status[field];
    if (error) validateVolumeError(error, `status.${field}`, errors);
  }
  return errors;
}

/** What v1 asks for beyond the versions before it. */
function strictErrors({ spec }: VolumeAttachment): FieldError[] {
  const errors: FieldError[] = [];
  const faults: FieldError[] = [];
  validateCsi({ driver: spec.attacher }, 'spec.attacher', faults);
  errors.push(...faults.map((fault) => ({ ...fault, field: 'spec.attacher' })));
  const volume = spec.source.persistentVolumeName;
  if (volume !== undefined) addInvalid(errors, 'spec.source.persistentVolumeName', volume, dns1123SubdomainErrors(volume));
  return errors;
}

function validateSource({ inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource, path: string, errors: FieldError[]): void {
  const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (!inlineVolumeSpec && persistentVolumeName === undefined) errors.push(required(path, exactlyOne));
  else if (inlineVolumeSpec && persistentVolumeName !== undefined) errors.push(forbidden(path, exactlyOne));
  else if (inlineVolumeSpec) validateVolumeSpec(inlineVolumeSpec, { path: `${path}.inlineVolumeSpec`, name: '', inline: true }, errors);
  else if (persistentVolumeName === '') {
    errors.push(required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName'));
  }
}

function validateVolumeError({ message = '', errorCode }: VolumeError, path: string, errors: FieldError[]): void {
  // Upstream names the limit of the metadata here.
  if (utf8Length(message) > maxMessageBytes) errors.push(tooLong(`${path}.message`, maxMetadataBytes));
  if (errorCode !== undefined && errorCode < 0) {
    errors.push(invalidValue(`${path}.errorCode`, errorCode, inclusiveRangeError(0, maxErrorCode)));
  }
}

function validateAttachmentUpdate(attachment: VolumeAttachment, old: VolumeAttachment): FieldError[] {
  const errors = validateAttachment(attachment);
  if (!sameJson(attachment.spec, old.spec)) errors.push(invalidValue('spec', printed(attachment.spec), 'field is immutable'));
  return errors;
}

/** As upstream prints its own structure. */
function printed({ attacher, source, nodeName }: VolumeAttachmentSpec): object {
  const { persistentVolumeName = null, inlineVolumeSpec = null } = source;
  return {
    Attacher: attacher,
    Source: { PersistentVolumeName: persistentVolumeName, InlineVolumeSpec: inlineVolumeSpec },
    NodeName: nodeName,
  };
}
