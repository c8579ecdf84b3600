/** What validation and admission ask about certificates and requests for them; the kinds cannot know how they are read. */
import type { CertificateChecks } from '../../api/index.ts';
import { checkCertificateChain, checkCertificateRequest, PkiError, readRequestSubject, type Subject } from '../../pki/index.ts';

export const certificateChecks: CertificateChecks = {
  requestFault: (request) => faultOf(() => checkCertificateRequest(textOf(request))),
  certificateFault: (certificate) => faultOf(() => checkCertificateChain(textOf(certificate))),
};

/** Whom a request is for, or why it cannot be read. @param request PEM in base64 */
export function parseCertificateRequest(request: string): Required<Subject> | string {
  try {
    return readRequestSubject(textOf(request));
  } catch (error) {
    if (error instanceof PkiError) return error.message;
    throw error;
  }
}

function faultOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof PkiError) return error.message;
    throw error;
  }
}

function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1');
}
