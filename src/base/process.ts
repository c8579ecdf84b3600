/** Runs other programs to their end. Long-running children belong to whoever supervises them, not here. */
import { spawn } from 'node:child_process';

/** A program that did not end with exit code 0, or could not be started. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly command: readonly string[];
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(command: readonly string[], exitCode: number | null, stderr: string, options?: ErrorOptions) {
    super(
      `${command.join(' ')}: ${exitCode === null ? 'did not run' : `exit code ${exitCode}`}${stderr ? `: ${stderr.trim()}` : ''}`,
      options,
    );
    this.command = command;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Text or bytes for standard input; default: none. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Most output, in bytes, that is kept of one stream of a program; what comes after is dropped. */
const maxOutputBytes = 64 * 1024 * 1024;

/**
 * Runs `command` (program and arguments, no shell) and resolves with what it printed.
 * @throws ProcessError when it cannot be started or ends with another exit code than 0
 */
export function run(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<{ stdout: string; stderr: string }> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.signal && { signal: options.signal }),
      ...(options.cwd && { cwd: options.cwd }),
      ...(options.env && { env: { ...process.env, ...options.env } }),
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.once('error', (cause) =>
      reject(options.signal?.aborted ? (options.signal.reason as Error) : new ProcessError(command, null, cause.message, { cause })),
    );
    child.once('close', (exitCode) => {
      if (exitCode === 0) resolve({ stdout: stdout(), stderr: stderr() });
      else reject(new ProcessError(command, exitCode, stderr()));
    });
    // A program that ends before it has read its input closes the pipe; its exit code says the rest.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < maxOutputBytes) chunks.push(chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
