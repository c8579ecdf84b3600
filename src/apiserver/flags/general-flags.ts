/** Flags of the server as a whole: what it serves, what it admits, how long it keeps things. @source kube-apiserver, v1.35 */
import { configuration, durationMs, file, list, switches } from '../../api/flags/index.ts';

export const generalFlags = {
  'admission-control-config-file': file,
  'disable-admission-plugins': list,
  'enable-admission-plugins': list,
  'etcd-compaction-interval': durationMs,
  'event-ttl': durationMs,
  'feature-gates': switches,
  'runtime-config': configuration,
} as const;
