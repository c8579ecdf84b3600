/** What can be wrong with keys, certificates and kubeconfigs, told apart by `code`. */

export type PkiErrorCode =
  | 'INVALID_CERTIFICATE'
  | 'INVALID_KEY'
  | 'INVALID_REQUEST'
  | 'INVALID_KUBECONFIG'
  | 'AUTHORITY_UNUSABLE'
  | 'NOT_SUPPORTED';

/** An operating error of this room. Never carries key material. */
export class PkiError extends Error {
  override readonly name = 'PkiError';
  readonly code: PkiErrorCode;

  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
