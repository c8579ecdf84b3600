/** Where the control plane of one run keeps everything. It is removed after the run, except for the log of one that failed. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterPaths } from '../src/cluster/home.ts';
import { controlPlaneLog } from '../src/cluster/launch.ts';
import { bareName } from './bare-control-plane.ts';

const shownLines = 5;

export class RunHome implements Disposable {
  /** Short, since sockets are in it. */
  readonly path = mkdtempSync(join(tmpdir(), 'kn-'));

  /** Puts the log where it outlives the rest, and says where, with its last lines. */
  keepLog(): void {
    const log = controlPlaneLog(clusterPaths(this.path, bareName));
    if (!existsSync(log)) return;
    const kept = `${this.path}-control-plane.log`;
    copyFileSync(log, kept);
    const last = readFileSync(kept, 'utf8').trimEnd().split('\n').slice(-shownLines);
    console.error(`  the control plane's log is ${kept}; it ends with`);
    for (const line of last) console.error(`    ${line}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
