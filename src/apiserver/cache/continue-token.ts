/** Where a paged list goes on. Opaque to clients; the form is upstream's, so that nothing that peeks is surprised. */
import { badRequest } from '../../api/index.ts';

export interface ContinueToken {
  /** The revision of the first page; -1: go on from the newest state, since history is gone. */
  readonly revision: number;
  /** The last key of the page before. */
  readonly after: string;
}

const tokenVersion = 'meta.k8s.io/v1';

export function encodeContinueToken({ revision, after }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: tokenVersion, rv: revision, start: `${after}\u0000` })).toString('base64url');
}

/** @throws ApiError BadRequest when it is not one of ours */
export function decodeContinueToken(text: string): ContinueToken {
  const { v, rv, start } = parse(text);
  if (v !== tokenVersion || typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || typeof start !== 'string' || start === '') {
    throw badRequest('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  return { revision: rv, after: start.endsWith('\u0000') ? start.slice(0, -1) : start };
}

function parse(text: string): { v?: unknown; rv?: unknown; start?: unknown } {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError) throw badRequest(`continue key is not valid: ${error.message}`, { cause: error });
    throw error;
  }
}
