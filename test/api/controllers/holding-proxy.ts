/** A TCP proxy that can hold back what a client says, half-way through a message too, and let it go on later. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class HoldingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #held: { readonly target: Socket; readonly bytes: Buffer }[] = [];
  #onHeld: (() => void) | undefined;
  #holding = false;

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      const target = connect(targetPort, '127.0.0.1');
      for (const socket of [client, target]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.once('close', () => this.#sockets.delete(socket));
      }
      target.pipe(client);
      client.on('data', (bytes: Buffer) => this.#pass(target, bytes));
      client.once('close', () => {
        // What was on its way before the client went arrives all the same.
        if (!this.#held.some((each) => each.target === target)) target.end();
      });
    });
  }

  static async open(targetPort: number): Promise<HoldingProxy> {
    const proxy = new HoldingProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing of the client arrives but the first half of its next message; resolves when that has come. */
  hold(): Promise<void> {
    this.#holding = true;
    return new Promise((resolve) => (this.#onHeld = resolve));
  }

  /** Everything that was held arrives, in order. */
  release(): void {
    this.#holding = false;
    for (const { target, bytes } of this.#held.splice(0)) target.write(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(target: Socket, bytes: Buffer): void {
    if (!this.#holding) {
      target.write(bytes);
      return;
    }
    const told = this.#onHeld;
    this.#onHeld = undefined;
    const half = told ? Math.ceil(bytes.length / 2) : 0;
    if (half > 0) target.write(bytes.subarray(0, half));
    this.#held.push({ target, bytes: bytes.subarray(half) });
    told?.();
  }
}
