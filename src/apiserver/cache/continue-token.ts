/** Where a paged list goes on. Opaque to clients; the form is upstream's, so that nothing that peeks is surprised. */
import { badRequest } from '../../api/index.ts';
import { isJsonObject, type Parsed, parseJson } from '../../api/json/index.ts';

export interface ContinueToken {
  /** The revision of the first page; -1: go on from the newest state, since history is gone. */
  readonly revision: number;
  /** The last key of the page before, without what all keys of the list begin with. */
  readonly after: string;
}

const tokenVersion = 'meta.k8s.io/v1';
const notValid = 'continue key is not valid';

export function encodeContinueToken({ revision, after }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: tokenVersion, rv: revision, start: `${after}\u0000` })).toString('base64url');
}

/** @throws ApiError BadRequest when it is not one of ours @source apiserver storage/continue.go DecodeContinue */
export function decodeContinueToken(text: string): ContinueToken {
  const { v, rv, start } = parse(text);
  if (v !== tokenVersion) throw refused(`${notValid}: server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0) {
    throw refused(`${notValid}: incorrect encoded start resourceVersion (version ${tokenVersion})`);
  }
  if (typeof start !== 'string' || start === '') throw refused(`${notValid}: encoded start key empty (version ${tokenVersion})`);
  // Nothing may lead out of what is listed.
  if (start.split('/').some((part, i) => part === '.' || part === '..' || (part === '' && i > 0))) throw refused(`${notValid}: ${start}`);
  const key = start.startsWith('/') ? start.slice(1) : start;
  return { revision: rv, after: key.endsWith('\u0000') ? key.slice(0, -1) : key };
}

function refused(why: string): Error {
  return badRequest(`invalid continue token: ${why}`);
}

function parse(text: string): { readonly v?: unknown; readonly rv?: unknown; readonly start?: unknown } {
  const illegal = /[^A-Za-z0-9_-]/.exec(text);
  if (illegal) throw refused(`${notValid}: illegal base64 data at input byte ${illegal.index}`);
  let parsed: Parsed;
  try {
    parsed = parseJson(Buffer.from(text, 'base64url'));
  } catch (error) {
    throw refused(`${notValid}: ${(error as Error).message}`);
  }
  return isJsonObject(parsed.value) ? parsed.value : {};
}
