/** Which node a user is. @source pkg/auth/nodeidentifier/default.go, v1.35 */
import type { UserInfo } from '../../request.ts';

const prefix = 'system:node:';

/** Undefined for everybody who is no node; empty for a node that does not say which. */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(prefix) && groups.includes('system:nodes') ? name.slice(prefix.length) : undefined;
}
