/**
 * Which form of the answer a client takes: plain, as metadata only or as a table; JSON or YAML; pretty or not. Read once for each
 * distinct Accept header.
 * @source apiserver endpoints/handlers/negotiation, responsewriters
 */
import { ApiError } from '../../api/index.ts';
import type { MetaVersion } from '../rendering/partial-metadata.ts';

export interface AcceptedForm {
  readonly encoding: 'json' | 'yaml';
  readonly as: 'object' | 'table' | 'metadata';
  readonly version: MetaVersion;
  /** The client asked for indented JSON in the media type. */
  readonly pretty: boolean;
}

const plainJson: AcceptedForm = { encoding: 'json', as: 'object', version: 'v1', pretty: false };

const maxRemembered = 1_024;
const remembered = new Map<string, AcceptedForm | null>();
const rememberedPlain = new Map<string, AcceptedForm | null>();

/**
 * @param accept undefined when the client did not say
 * @param options.plainOnly the answer has no metadata to cut it down to and no columns (a review, a Scale)
 * @throws ApiError NotAcceptable
 */
export function negotiate(accept: string | undefined, options?: { readonly plainOnly: boolean }): AcceptedForm {
  if (!accept || accept === 'application/json' || accept === '*/*') return plainJson;
  const plainOnly = options?.plainOnly === true;
  const memory = plainOnly ? rememberedPlain : remembered;
  let form = memory.get(accept);
  if (form === undefined) {
    form = firstAcceptable(accept, plainOnly) ?? null;
    if (memory.size >= maxRemembered) memory.clear();
    memory.set(accept, form);
  }
  if (form) return form;
  throw new ApiError({
    code: 406,
    reason: 'NotAcceptable',
    message: 'only the following media types are accepted: application/json, application/yaml',
  });
}

/** The best clause that we can serve: by quality, then by order. */
function firstAcceptable(accept: string, plainOnly: boolean): AcceptedForm | undefined {
  const clauses = accept.split(',').map((text, order) => ({ ...parseClause(text), order }));
  clauses.sort((a, b) => b.quality - a.quality || a.order - b.order);
  for (const clause of clauses) {
    if (clause.quality === 0) continue;
    const form = formOf(clause);
    if (form && (form.as === 'object' || !plainOnly)) return form;
  }
  return undefined;
}

interface Clause {
  readonly type: string;
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

function parseClause(text: string): Clause {
  const [type = '', ...rest] = text.split(';');
  const parameters = new Map<string, string>();
  for (const pair of rest) {
    const equals = pair.indexOf('=');
    if (equals > 0) parameters.set(pair.slice(0, equals).trim().toLowerCase(), pair.slice(equals + 1).trim());
  }
  const quality = Number(parameters.get('q') ?? 1);
  return { type: type.trim().toLowerCase(), quality: Number.isNaN(quality) ? 1 : quality, parameters };
}

function formOf({ type, parameters }: Clause): AcceptedForm | undefined {
  const encoding = encodingOf(type);
  if (!encoding) return undefined;
  const pretty = parameters.get('pretty') === '1' || parameters.get('pretty') === 'true';
  const as = parameters.get('as');
  if (as === undefined) return { encoding, as: 'object', version: 'v1', pretty };
  const version = parameters.get('v');
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as === 'Table') return { encoding, as: 'table', version, pretty };
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { encoding, as: 'metadata', version, pretty };
  return undefined;
}

function encodingOf(type: string): AcceptedForm['encoding'] | undefined {
  if (type === 'application/json' || type === '*/*' || type === 'application/*') return 'json';
  return type === 'application/yaml' ? 'yaml' : undefined;
}

/** Browsers and command line tools get indented JSON unless they say otherwise. @source negotiation isPrettyPrint */
export function wantsPretty(form: AcceptedForm, pretty: string | undefined, userAgent: string): boolean {
  if (form.pretty) return true;
  if (pretty !== undefined) return pretty === '1' || pretty === 'true' || pretty === '';
  return userAgent.startsWith('curl') || userAgent.startsWith('Wget') || userAgent.startsWith('Mozilla/5.0');
}
