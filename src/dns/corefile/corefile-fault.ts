/** Something a Corefile says that cannot be done, and the line that says it. */
export class CorefileFault extends Error {
  /** Counted from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(`Corefile:${line}: ${message}`);
    this.name = 'CorefileFault';
    this.line = line;
  }
}
