/** The door of the API server. */
export type { AdmissionPlugin } from './admission.ts';
export { certificateUser, type TokenVerifier } from './auth/authenticator.ts';
export { componentAuthorizer } from './auth/authorizer.ts';
export { type ServiceAccountTokenOptions, serviceAccountTokenVerifier } from './auth/service-account-tokens.ts';
export { loopbackUser, serviceAccountUser } from './auth/users.ts';
export { type Access, type Authorizer, type Decision, type Verdict } from './authorization/index.ts';
export type { ApiServerExtension, ApiServerHost, ExtensionFactory } from './extension.ts';
export type { ListenAddress, TlsFiles } from './http/listener.ts';
export type { UserInfo } from './request.ts';
export { type ApiServer, type ApiServerConfig, createApiServer } from './server/api-server.ts';
export type { Registry, ResourceStorage } from './storage.ts';
export { standardExtensions, type StandardExtensionOptions } from './standard-extensions.ts';
export type { ServerAddress } from './bootstrap/index.ts';
export { gitVersion, kubernetesVersion } from './discovery/index.ts';
export { type HealthCheck, StartUpSteps } from './health/index.ts';
export type { OpenApiSource } from './openapi/index.ts';
export type { BackendTls } from './proxying/index.ts';
export type { TokenSigner } from './subresources/index.ts';
