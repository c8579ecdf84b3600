/**
 * Which form of the answer a client takes: plain, as metadata only or as a table; JSON, YAML, protobuf or CBOR; pretty or not. Read
 * once for each distinct Accept header and each kind of answer.
 * @source apiserver endpoints/handlers/negotiation, rest.go AllowsMediaTypeTransform; munnerz/goautoneg
 */
import { ApiError } from '../../api/index.ts';
import type { MetaVersion } from '../rendering/partial-metadata.ts';

export type Encoding = 'json' | 'yaml' | 'protobuf' | 'cbor';

export interface AcceptedForm {
  readonly encoding: Encoding;
  readonly as: 'object' | 'table' | 'metadata';
  readonly version: MetaVersion;
  /** The client asked for indented JSON in the media type. */
  readonly pretty: boolean;
}

/** What an answer can be. */
export interface AnswerForms {
  /** It has no metadata to cut it down to and no columns (a review, a Scale, a Status). */
  readonly plainOnly?: boolean;
  /** It goes out as a stream of events. */
  readonly watch?: boolean;
  /** It has no message: default false. */
  readonly noProtobuf?: boolean;
  /** The server speaks CBOR: default false. */
  readonly cbor?: boolean;
}

const plainJson: AcceptedForm = { encoding: 'json', as: 'object', version: 'v1', pretty: false };

/** In the server's order of preference. */
const mediaTypes: readonly { readonly encoding: Encoding; readonly type: string; readonly stream?: string }[] = [
  { encoding: 'json', type: 'application/json', stream: 'application/json;stream=watch' },
  { encoding: 'yaml', type: 'application/yaml' },
  {
    encoding: 'protobuf',
    type: 'application/vnd.kubernetes.protobuf',
    stream: 'application/vnd.kubernetes.protobuf;stream=watch',
  },
  { encoding: 'cbor', type: 'application/cbor', stream: 'application/cbor-seq' },
];

type MediaType = (typeof mediaTypes)[number];

const maxRemembered = 1_024;
/** By kind of answer, then by header. */
const remembered = Array.from({ length: 16 }, () => new Map<string, AcceptedForm | null>());

/**
 * @param accept undefined when the client did not say
 * @throws ApiError NotAcceptable
 */
export function negotiate(accept: string | undefined, answer: AnswerForms = {}): AcceptedForm {
  if (!accept || accept === 'application/json' || accept === '*/*') return plainJson;
  const form = acceptable(accept, answer);
  if (form) return form;
  const served = servedTypes(answer);
  const accepted = answer.watch ? served.flatMap(({ stream }) => stream ?? []) : served.map(({ type }) => type);
  throw new ApiError({
    code: 406,
    reason: 'NotAcceptable',
    message: `only the following media types are accepted: ${accepted.join(', ')}`,
  });
}

/** The same; undefined when the client takes none of the forms. */
export function acceptable(accept: string | undefined, answer: AnswerForms): AcceptedForm | undefined {
  if (!accept || accept === 'application/json' || accept === '*/*') return plainJson;
  const { plainOnly, watch, noProtobuf, cbor } = answer;
  const memory = remembered[(plainOnly ? 1 : 0) | (watch ? 2 : 0) | (noProtobuf ? 4 : 0) | (cbor ? 8 : 0)]!;
  let form = memory.get(accept);
  if (form === undefined) {
    form = firstAcceptable(accept, answer) ?? null;
    if (memory.size >= maxRemembered) memory.clear();
    memory.set(accept, form);
  }
  return form ?? undefined;
}

/** The type that an answer in this encoding is sent under. */
export function contentTypeOf(encoding: Encoding, isWatch = false): string {
  const known = mediaTypes.find((media) => media.encoding === encoding)!;
  // A stream of JSON has never said that it is one.
  return isWatch && encoding !== 'json' ? (known.stream ?? known.type) : known.type;
}

function servedTypes({ noProtobuf, cbor }: AnswerForms): readonly MediaType[] {
  return mediaTypes.filter(({ encoding }) => (encoding !== 'protobuf' || !noProtobuf) && (encoding !== 'cbor' || cbor === true));
}

/** The first clause that we can serve, in the client's order. */
function firstAcceptable(accept: string, answer: AnswerForms): AcceptedForm | undefined {
  const served = servedTypes(answer);
  for (const clause of sortedClauses(accept)) {
    for (const media of served) {
      const form = matches(clause, media) ? formOf(clause, media, answer) : undefined;
      // What cannot be streamed is chosen all the same, and then refused.
      if (form) return answer.watch && media.stream === undefined ? undefined : form;
    }
  }
  return undefined;
}

interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Most clauses that are read. */
const maxClauses = 64;

/** By quality, then what is named before what is not; otherwise as the client wrote them, which the sort of upstream keeps as well. */
function sortedClauses(accept: string): Clause[] {
  const clauses = accept
    .split(',', maxClauses)
    .map(parseClause)
    .filter((clause) => clause !== undefined);
  for (let i = 1; i < clauses.length; i++) {
    for (let j = i; j > 0 && isBefore(clauses[j]!, clauses[j - 1]!); j--) {
      [clauses[j], clauses[j - 1]] = [clauses[j - 1]!, clauses[j]!];
    }
  }
  return clauses;
}

function isBefore(a: Clause, b: Clause): boolean {
  return a.quality > b.quality || (a.type !== '*' && b.type === '*') || (a.subtype !== '*' && b.subtype === '*');
}

function parseClause(text: string): Clause | undefined {
  const [range = '', ...rest] = text.split(';');
  const [type = '', subtype = '', ...more] = range.split('/').map((part) => part.trim());
  if (more.length > 0 || (subtype === '' && type !== '*')) return undefined;
  let quality = 1;
  const parameters = new Map<string, string>();
  for (const pair of rest) {
    const [name = '', value = '', ...others] = pair.split('=');
    if (value === '' || others.length > 0) continue;
    if (name.trim() === 'q') quality = Number(value) || 0;
    else parameters.set(name.trim(), value.trim());
  }
  return { type, subtype: subtype || '*', quality, parameters };
}

function matches({ type, subtype }: Clause, media: MediaType): boolean {
  if (type === '*') return subtype === '*';
  const [mediaType, mediaSubtype] = media.type.split('/');
  return type === mediaType && (subtype === '*' || subtype === mediaSubtype);
}

function formOf({ parameters }: Clause, { encoding, stream }: MediaType, { plainOnly }: AnswerForms): AcceptedForm | undefined {
  const asked = parameters.get('stream');
  if (asked !== undefined && (asked !== 'watch' || stream === undefined)) return undefined;
  const serverVersion = parameters.get('sv');
  if (serverVersion !== undefined && serverVersion !== 'v1') return undefined;
  const pretty = parameters.get('pretty') === '1';
  const [as, group, version] = [parameters.get('as'), parameters.get('g'), parameters.get('v')];
  if (as === undefined && group === undefined && version === undefined) return { encoding, as: 'object', version: 'v1', pretty };
  if (plainOnly || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  // Tables have no message.
  if (as === 'Table') return encoding === 'json' || encoding === 'yaml' ? { encoding, as: 'table', version, pretty } : undefined;
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { encoding, as: 'metadata', version, pretty };
  return undefined;
}

/** Browsers and command line tools get indented JSON unless they say otherwise. @source negotiation isPrettyPrint */
export function wantsPretty(form: AcceptedForm, pretty: string | undefined, userAgent: string): boolean {
  if (form.pretty) return true;
  if (pretty) return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(pretty);
  return userAgent.startsWith('curl') || userAgent.startsWith('Wget') || userAgent.startsWith('Mozilla/5.0');
}
