/** The door of the room that makes and reads keys, certificates and token signatures; kubeconfigs have a door of their own. */
export { type AltNames, type CertificateFacts, readCertificate, type Subject } from './certificate.ts';
export { type CertificateAndKey, CertificateAuthority, type CertificateProfile, type CertificateUsage } from './certificate-authority.ts';
export { type CertificateRequest, createCertificateRequest, readCertificateRequest } from './certificate-request.ts';
export { type CertificateFiles, type ClusterPki, type ClusterPkiOptions, ensureClusterPki, type NodeCertificates } from './cluster-pki.ts';
export { PkiError, type PkiErrorCode } from './errors.ts';
export { generateEllipticKeySync, generatePrivateKey, type KeyAlgorithm, privateKeyPem, readPrivateKey } from './private-key.ts';
export { checkCertificateChain, checkCertificateRequest, readRequestSubject } from './request-check.ts';
export { generateServiceAccountKey, type JsonWebKey, type ServiceAccountKeyOptions, ServiceAccountKeys } from './service-account-keys.ts';
