/** The server could not be reached, or the connection ended before the answer did: nobody knows more than `sent` says. */

export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** False when the server certainly has not acted on the request. */
  readonly sent: boolean;

  constructor(message: string, options: ErrorOptions & { readonly sent: boolean }) {
    super(message, options);
    this.sent = options.sent;
  }
}
