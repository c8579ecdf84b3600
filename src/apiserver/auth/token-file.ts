/**
 * Tokens that stand in a file: `--token-auth-file`, lines of `token,user,uid,"group1,group2"`. Read once, at the start.
 * @source apiserver pkg/authentication/token/tokenfile, v1.35
 */
import { splitList } from '../../api/flags/index.ts';
import { forOwnAudiences, type TokenAuthenticator } from './token-authenticator.ts';
import type { UserInfo } from '../request.ts';

/** The text is no list of tokens. */
export class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
}

/**
 * Users by their tokens.
 * @param path of the file, for messages
 * @throws TokenFileError
 */
export function readTokenFile(text: string, path: string): Map<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue;
    const columns = splitList(line);
    if (columns.length < 3) {
      const need = 'must have at least 3 columns (token, user name, user uid)';
      throw new TokenFileError(`token file '${path}' ${need}, found ${columns.length}`);
    }
    const [token = '', name = '', uid = '', groups = ''] = columns;
    if (token.trim() === '') continue;
    users.set(token, { name, uid, groups: groups === '' ? [] : groups.split(',') });
  }
  return users;
}

/** Knows the tokens of a file, for the API server's own audiences. */
export function fileTokens(users: ReadonlyMap<string, UserInfo>, audiences: readonly string[]): TokenAuthenticator {
  return forOwnAudiences(audiences, (token) => users.get(token));
}
