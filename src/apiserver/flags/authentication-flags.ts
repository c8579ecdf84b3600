/** Flags that say who a request may come from. @source kubernetes pkg/kubeapiserver/options/authentication.go, v1.35 */
import { boolean } from './syntax.ts';

export const authenticationFlags = {
  'anonymous-auth': boolean,
} as const;
