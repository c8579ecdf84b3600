/**
 * The commands of the docs, run as they stand: every `sh` block of a page, in order, in one shell and an empty directory. A page that
 * starts a cluster gets one of its own; the others share one.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { launcher } from './knarr.ts';
import { adminKubeconfig, unavailable } from './kubectl.ts';
import { OwnCluster } from './own-cluster.ts';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));

/** The commands of a page. */
function commandsOf(page: string): string {
  return [...readFileSync(join(docs, page), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]!).join('\n');
}

const pages = readdirSync(docs)
  .filter((name) => name.endsWith('.md') && commandsOf(name) !== '')
  .toSorted();
const startsCluster = (page: string): boolean => /^ *knarr up\b/m.test(commandsOf(page));

test('the pages with commands are found, and each says that its commands are run', () => {
  expect(pages).toContain('first-cluster.md');
  const silent = pages.filter(
    (page) => !/commands\s+on\s+this\s+page\s+are\s+run\s+by\s+the\s+tests/.test(readFileSync(join(docs, page), 'utf8')),
  );
  expect(silent).toEqual([]);
});

describe.skipIf(unavailable)('the commands of a page work as they stand', () => {
  test.each(pages.filter((page) => !startsCluster(page)))('%s', async (page) => {
    const directory = mkdtempSync(join(tmpdir(), 'knarr-docs-'));
    try {
      await runPage(page, { directory, home: inject('e2eHome'), cluster: inject('e2eCluster'), kubeconfig: adminKubeconfig() });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test.each(pages.filter(startsCluster))('%s, on a cluster of its own', async (page) => {
    const directory = mkdtempSync(join(tmpdir(), 'knarr-docs-'));
    const own = new OwnCluster({ name: `d${pages.indexOf(page)}-${process.pid}` });
    try {
      // `knarr up` makes the kubeconfig.
      await runPage(page, { directory, home: own.home, cluster: own.name, kubeconfig: join(directory, 'kubeconfig') });
    } finally {
      await own.remove();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

interface Place {
  readonly directory: string;
  readonly home: string;
  readonly cluster: string;
  readonly kubeconfig: string;
}

/** The pages speak of the cluster with the default name in root's home; here it is another. */
async function runPage(page: string, { directory, home, cluster, kubeconfig }: Place): Promise<void> {
  symlinkSync(inject('kubectl'), join(directory, 'kubectl'));
  const prelude = `
    trap 'kill $! 2>/dev/null || :' EXIT
    knarr() {
      command="$1"; shift
      if [ "$command" = image ] || [ "$command" = node ]; then sub="$1"; shift; '${launcher}' "$command" "$sub" --name '${cluster}' "$@"
      elif [ "$command" = install ]; then '${launcher}' install "$@"
      elif [ "$command" = scheduler ] || [ "$command" = controller-manager ]; then
        # They run on, in the background: what is killed there must be the program.
        exec '${launcher}' "$command" "$@"
      else '${launcher}' "$command" --name '${cluster}' "$@"; fi
    }`;
  const commands = commandsOf(page).replaceAll('/var/lib/knarr/clusters/knarr/', `${home}/clusters/${cluster}/`);
  const env = { PATH: `${directory}:${process.env['PATH']}`, HOME: directory, KUBECONFIG: kubeconfig, KNARR_HOME: home };
  await run(['sh', '-ec', `${prelude}\n${commands}`], { cwd: directory, env });
}
