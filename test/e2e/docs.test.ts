/** The commands of the docs, run as they stand: every `sh` block of a page, in order, in one shell and an empty directory. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, inject, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { adminKubeconfig, unavailable } from './kubectl.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The commands of a page. */
function commandsOf(page: string): string {
  return [...readFileSync(join(root, page), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]!).join('\n');
}

describe.skipIf(unavailable)('the commands of a page work as they stand', () => {
  test.each(['docs/first-cluster.md', 'docs/images.md', 'docs/troubleshooting.md'])('%s', async (page) => {
    const directory = mkdtempSync(join(tmpdir(), 'knarr-docs-'));
    try {
      symlinkSync(inject('kubectl'), join(directory, 'kubectl'));
      // The pages speak of the cluster with the default name; here it is the shared one.
      const wrapper = `knarr() { command="$1"; shift; if [ "$command" = image ]; then sub="$1"; shift; '${root}bin/knarr' image "$sub" --name '${inject('e2eCluster')}' "$@"; else '${root}bin/knarr' "$command" --name '${inject('e2eCluster')}' "$@"; fi; }`;
      const env = { PATH: `${directory}:${process.env['PATH']}`, KUBECONFIG: adminKubeconfig(), KNARR_HOME: inject('e2eHome') };
      await run(['sh', '-ec', `${wrapper}\n${commandsOf(page)}`], { cwd: directory, env });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
