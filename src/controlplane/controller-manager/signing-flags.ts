/**
 * The authorities that certificates are signed with, by flags: one for all of the cluster's signers, or one of their own for some.
 * @source cmd/kube-controller-manager/app/options/csrsigningcontroller.go, app/certificates.go, v1.35
 */
import type { ControllersOptions } from '../../controllers/index.ts';
import { readNamedFile } from '../component/named-file.ts';
import type { ControllerManagerFlagValues } from './flags.ts';

type Signing = NonNullable<ControllersOptions['signing']>;
type SignerName = Parameters<Signing['authorityOf']>[0];

/** What stands in a signer's flags, `cluster-signing-NAME-cert-file`. */
const flagPart = {
  'kubernetes.io/kubelet-serving': 'kubelet-serving',
  'kubernetes.io/kube-apiserver-client-kubelet': 'kubelet-client',
  'kubernetes.io/kube-apiserver-client': 'kube-apiserver-client',
  'kubernetes.io/legacy-unknown': 'legacy-unknown',
} as const satisfies Readonly<Record<SignerName, string>>;

const parts = Object.values(flagPart);

interface Files {
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

const common = (flags: ControllerManagerFlagValues): Files => ({
  certFile: flags['cluster-signing-cert-file'],
  keyFile: flags['cluster-signing-key-file'],
});

const own = (flags: ControllerManagerFlagValues, part: (typeof parts)[number]): Files => ({
  certFile: flags[`cluster-signing-${part}-cert-file`],
  keyFile: flags[`cluster-signing-${part}-key-file`],
});

const isNamed = ({ certFile, keyFile }: Files): boolean => certFile !== undefined || keyFile !== undefined;
const isHalf = ({ certFile, keyFile }: Files): boolean => (certFile === undefined) !== (keyFile === undefined);

export function signingFlagFaults(flags: ControllerManagerFlagValues): string[] {
  const faults = parts.flatMap((part) =>
    isHalf(own(flags, part)) ? [`cannot specify only one of --cluster-signing-${part}-cert-file and its key file`] : [],
  );
  if (isHalf(common(flags))) faults.push('--cluster-signing-cert-file and --cluster-signing-key-file are given together or not at all');
  if (isNamed(common(flags)) && parts.some((part) => isNamed(own(flags, part)))) {
    faults.push('cannot specify --cluster-signing-{cert,key}-file and other --cluster-signing-*-file flags at the same time');
  }
  return faults;
}

/** Undefined: no authority is named. The files are read at each signature: they may be replaced. */
export function signingOptions(flags: ControllerManagerFlagValues): Signing | undefined {
  if (!isNamed(common(flags)) && !parts.some((part) => isNamed(own(flags, part)))) return undefined;
  const durationMs = flags['cluster-signing-duration'];
  return {
    ...(durationMs !== undefined && { durationMs }),
    authorityOf: (signer) => {
      const { certFile, keyFile } = isNamed(common(flags)) ? common(flags) : own(flags, flagPart[signer]);
      return certFile === undefined || keyFile === undefined
        ? undefined
        : { certificate: readNamedFile(certFile), key: readNamedFile(keyFile) };
    },
  };
}
