/** The door of encryption at rest. */
export { EncryptionConfigError, parseEncryptionConfig } from './configuration.ts';
export { configuredEncryption, type EncryptionDeps } from './configured-encryption.ts';
export type { EncryptedStore } from './encrypted-store.ts';
export { DecryptionError, isEncrypted } from './transformers.ts';
