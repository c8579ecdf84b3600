/** The cluster's record as it stands now, for a process that outlives a change of it: nodes come and go while the control plane runs. */
import { statSync } from 'node:fs';
import { type ClusterRecord, readClusterRecord } from './cluster-record.ts';
import type { ClusterPaths } from './home.ts';

/** Reads the file again only when it is another one: it is always replaced, never written into. */
export class LiveRecord {
  readonly #paths: ClusterPaths;
  #record: ClusterRecord;
  #file = '';

  constructor(paths: ClusterPaths, record: ClusterRecord) {
    this.#paths = paths;
    this.#record = record;
  }

  /** The newest record; the last one known when the cluster has been deleted. */
  get current(): ClusterRecord {
    const stat = statSync(this.#paths.record, { throwIfNoEntry: false, bigint: true });
    const file = stat ? `${stat.ino} ${stat.mtimeNs}` : '';
    if (file !== this.#file) {
      this.#record = readClusterRecord(this.#paths) ?? this.#record;
      this.#file = file;
    }
    return this.#record;
  }
}
