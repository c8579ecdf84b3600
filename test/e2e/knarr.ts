/** Runs the `knarr` command as a user would: the launcher, a home of its own, text out. */
import { fileURLToPath } from 'node:url';
import { run } from '../../src/base/index.ts';

export const launcher: string = fileURLToPath(new URL('../../bin/knarr', import.meta.url));

export interface KnarrOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A command in front, such as `nsenter …`. */
  readonly through?: readonly string[];
}

/** @throws ProcessError with what the command printed, when it fails */
export async function knarr(home: string, args: readonly string[], options: KnarrOptions = {}): Promise<string> {
  return (await knarrOutput(home, args, options)).stdout;
}

/** Both streams: what is for programs, and what is said to people. @throws ProcessError as `knarr` does */
export function knarrOutput(
  home: string,
  args: readonly string[],
  { env, through = [] }: KnarrOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  const [program, ...rest] = [...through, launcher, ...args];
  return run([program!, ...rest], { env: { ...env, KNARR_HOME: home } });
}
