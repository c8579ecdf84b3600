/** Usages of keys by their names in the certificates API. @source pkg/controller/certificates/authority (keyUsageDict, extKeyUsageDict), v1.35 */
import type * as x509 from '@peculiar/x509';
import { PkiError } from './errors.ts';

const keyUsageNames = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'nonRepudiation',
  'key encipherment': 'keyEncipherment',
  'key agreement': 'keyAgreement',
  'data encipherment': 'dataEncipherment',
  'cert sign': 'keyCertSign',
  'crl sign': 'cRLSign',
  'encipher only': 'encipherOnly',
  'decipher only': 'decipherOnly',
} as const satisfies Readonly<Record<string, keyof typeof x509.KeyUsageFlags>>;

/** Object identifiers. @source RFC 5280 4.2.1.12 and Go crypto/x509 */
const extendedKeyUsageOids = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
} as const;

/** @throws PkiError INVALID_REQUEST for a usage that there is not */
export function usagesByName(
  library: typeof x509,
  names: readonly string[],
): { readonly keyUsages: number; readonly extendedKeyUsages: string[] } {
  let keyUsages = 0;
  const extended = new Set<string>();
  for (const name of names) {
    if (Object.hasOwn(keyUsageNames, name)) keyUsages |= library.KeyUsageFlags[keyUsageNames[name as keyof typeof keyUsageNames]];
    else if (Object.hasOwn(extendedKeyUsageOids, name)) extended.add(extendedKeyUsageOids[name as keyof typeof extendedKeyUsageOids]);
    else throw new PkiError('INVALID_REQUEST', `unrecognized usage values: [${JSON.stringify(name)}]`);
  }
  return { keyUsages, extendedKeyUsages: [...extended].toSorted() };
}
