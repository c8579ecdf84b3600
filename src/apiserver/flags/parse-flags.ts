/** Reads flags as a person gives them into typed values. Every fault is told, not only the first. */
import { goQuote } from '../../api/index.ts';
import { checkFlags } from './check-flags.ts';
import { flagTable, type FlagValues } from './flag-table.ts';
import { type FlagSyntax, FlagValueError } from './syntax.ts';

/** Values by the name of their flag; several when it was given several times. */
export type GivenFlags = Readonly<Record<string, readonly string[]>>;

export interface ParsedFlags {
  readonly values: FlagValues;
  /** Empty when all is well. */
  readonly faults: readonly string[];
}

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
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, texts] of Object.entries(given)) {
    const syntax = flagSyntax(name);
    if (!syntax) {
      faults.push(ownFlags.has(name) ? `--${name} cannot be given: the cluster sets it itself` : `unknown flag: --${name}`);
      continue;
    }
    for (const text of texts) {
      try {
        values[name] = syntax.parse(text, values[name]);
      } catch (error) {
        if (!(error instanceof FlagValueError)) throw error;
        faults.push(`invalid argument ${goQuote(text)} for "--${name}" flag: ${error.message}`);
      }
    }
  }
  // Each value was made by the syntax that stands beside its name.
  const parsed = values as FlagValues;
  return { values: parsed, faults: faults.length > 0 ? faults : checkFlags(parsed) };
}

/** Undefined: there is no such flag. */
export function flagSyntax(name: string): FlagSyntax<unknown> | undefined {
  // A syntax of one type is asked here with what it gave before, so it is one of any type.
  return Object.hasOwn(flagTable, name) ? (flagTable as unknown as Record<string, FlagSyntax<unknown>>)[name] : undefined;
}
