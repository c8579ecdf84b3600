/** A request that ends in a plain text answer with a code, as upstream's kubelet answers: its clients show the text as it is. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
