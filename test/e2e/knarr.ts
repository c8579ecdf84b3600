/** Runs the `knarr` command as a user would: the launcher, a home of its own, text out. */
import { fileURLToPath } from 'node:url';
import { run } from '../../src/base/index.ts';

const launcher = fileURLToPath(new URL('../../bin/knarr', import.meta.url));

/** @throws ProcessError with what the command printed, when it fails */
export async function knarr(
  home: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { stdout } = await run([launcher, ...args], { env: { ...options.env, KNARR_HOME: home } });
  return stdout;
}
