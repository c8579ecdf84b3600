/** A real kubectl against the shared cluster, in a namespace that belongs to one test file. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, inject } from 'vitest';
import { ProcessError, run } from '../../src/base/index.ts';

export interface Kubectl {
  readonly namespace: string;
  /** Standard output. @throws ProcessError when it fails */
  (args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** Standard error of a call that must fail. */
  failing(args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** A running kubectl, for what has no end of its own; the test kills it. */
  start(args: readonly string[]): ChildProcessWithoutNullStreams;
  /** Under a terminal of its own, as a person at a keyboard has; `input` is typed. */
  onTerminal(args: readonly string[], input: string): Promise<string>;
  json<T>(args: readonly string[]): Promise<T>;
}

export interface KubectlOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** Why the file's tests cannot run here, for `describe.skipIf`. */
export const unavailable: string = inject('e2eUnavailable');

export function adminKubeconfig(): string {
  return join(inject('e2eHome'), 'clusters', inject('e2eCluster'), 'admin.kubeconfig');
}

/** Makes the namespace before the file's tests and deletes it after them. @param program asked at each call; default: kubectl v1.35 */
export function useKubectl(namespace: string, program?: () => string): Kubectl {
  const binary = (): string => program?.() ?? inject('kubectl');
  const full = (args: readonly string[]): string[] => ['--kubeconfig', adminKubeconfig(), '-n', namespace, ...args];
  const call = async (args: readonly string[], options: KubectlOptions = {}): Promise<string> =>
    (await run([binary(), ...full(args)], options)).stdout;
  const kubectl: Kubectl = Object.assign(call, {
    namespace,
    failing: async (args: readonly string[], options: KubectlOptions = {}): Promise<string> => {
      try {
        const stdout = await call(args, options);
        throw new Error(`kubectl ${args.join(' ')} did not fail but printed: ${stdout}`);
      } catch (error) {
        if (error instanceof ProcessError) return error.stderr;
        throw error;
      }
    },
    start: (args: readonly string[]) => spawn(binary(), full(args)),
    onTerminal: async (args: readonly string[], input: string): Promise<string> => {
      const line = [binary(), ...full(args)].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
      return (await run(['script', '-qec', line, '/dev/null'], { input })).stdout;
    },
    json: async <T>(args: readonly string[]): Promise<T> => JSON.parse(await call([...args, '-o', 'json'])) as T,
  });
  beforeAll(async () => {
    if (!unavailable) await run([binary(), '--kubeconfig', adminKubeconfig(), 'create', 'namespace', namespace]);
  });
  afterAll(async () => {
    if (!unavailable) await run([binary(), '--kubeconfig', adminKubeconfig(), 'delete', 'namespace', namespace, '--wait=false']);
  });
  return kubectl;
}

/** Resolves with what a stream has printed once it matches. */
export function untilPrinted(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (pattern.test(text)) resolve(text);
    });
    stream.once('close', () => reject(new Error(`ended without ${pattern}: ${text}`)));
  });
}
