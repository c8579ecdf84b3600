/** Cuts a watch's byte stream into its lines. It copies a line that spans chunks once, however many chunks it spans. */

/** A single event larger than this ends the watch. */
const maxLineBytes = 64 * 1024 * 1024;
const newline = 10;

export class JsonLines {
  readonly #parts: Uint8Array[] = [];
  #heldBytes = 0;

  /**
   * The values of the lines that `chunk` completes.
   * @throws SyntaxError when a line is not JSON, RangeError when one is too long
   */
  push(chunk: Uint8Array): unknown[] {
    const end = chunk.lastIndexOf(newline);
    if (end < 0) {
      this.#hold(chunk);
      return [];
    }
    const whole = Buffer.concat([...this.#parts, chunk.subarray(0, end)]).toString('utf8');
    this.#parts.length = 0;
    this.#heldBytes = 0;
    if (end + 1 < chunk.length) this.#hold(chunk.subarray(end + 1));
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  }

  #hold(part: Uint8Array): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > maxLineBytes) throw new RangeError(`a watch event is longer than ${maxLineBytes} bytes`);
    this.#parts.push(part);
  }
}
