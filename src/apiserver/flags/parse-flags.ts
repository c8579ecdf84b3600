/** Reads the flags of the API server by its table. */
import { type FlagSyntax, type GivenFlags, readFlags, type ReadFlags, syntaxOf } from '../../api/flags/index.ts';
import { checkFlags } from './check-flags.ts';
import { flagTable, type FlagValues } from './flag-table.ts';

export type ParsedFlags = ReadFlags<FlagValues>;

/** What upstream's API server is told by flags and this one by the cluster it belongs to. */
const ownFlags: ReadonlySet<string> = new Set([
  'advertise-address',
  'bind-address',
  'cert-dir',
  'client-ca-file',
  'etcd-cafile',
  'etcd-certfile',
  'etcd-keyfile',
  'etcd-prefix',
  'etcd-servers',
  'external-hostname',
  'kubelet-certificate-authority',
  'kubelet-client-certificate',
  'kubelet-client-key',
  'proxy-client-cert-file',
  'proxy-client-key-file',
  'secure-port',
  'service-cluster-ip-range',
  'storage-backend',
  'tls-cert-file',
  'tls-private-key-file',
]);

export function parseFlags(given: GivenFlags): ParsedFlags {
  const refusal = (name: string): string | undefined =>
    ownFlags.has(name) ? `--${name} cannot be given: the cluster sets it itself` : undefined;
  return readFlags(flagTable, given, { refusal, check: checkFlags });
}

/** Undefined: there is no such flag. */
export function flagSyntax(name: string): FlagSyntax<unknown> | undefined {
  return syntaxOf(flagTable, name);
}
