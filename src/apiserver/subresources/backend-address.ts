/**
 * Which addresses the API server connects to on a client's behalf: those of pods and nodes, never its own or the link's, where
 * things listen that trust whoever can reach them. Names are checked when they are resolved, and what was checked is what is connected
 * to: whoever owns a name could give it another address in between.
 * @source kubernetes pkg/proxy/util IsProxyableIP, IsProxyableHostname
 */
import {
  type ApiError,
  badRequest,
  formatIp,
  type IpAddress,
  isLinkLocalUnicast,
  isLoopback,
  isUnspecified,
  parseIp,
} from '../../api/index.ts';
import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

const ipv4Broadcast = 0xffffffffn;

/** Whether loopback may be connected to; the other addresses never. */
export interface AddressRules {
  readonly loopback: boolean;
}

const strict: AddressRules = { loopback: false };

/**
 * The address in canonical form: other forms mean one thing here and another to the resolver.
 * @throws ApiError BadRequest
 */
export function checkedAddress(text: string, rules: AddressRules = strict): string {
  const address = parseIp(text);
  if (!address || !isAllowed(address, rules)) throw notAllowed();
  return formatIp(address);
}

/**
 * An address or a name as `Backend` has them: an address is checked here, a name by `lookup`.
 * @throws ApiError BadRequest
 */
export function checkedHost(text: string, rules: AddressRules = strict): { readonly host: string; readonly lookup?: LookupFunction } {
  // What is an address to the socket is never looked up, such as one with a zone.
  if (parseIp(text) || isIP(text) !== 0) return { host: checkedAddress(text, rules) };
  return { host: text, lookup: checkedLookup(rules) };
}

/** Resolves a name to addresses that may be connected to; one that may not spoils all. */
function checkedLookup(rules: AddressRules): LookupFunction {
  return (hostname, options, callback) => {
    // The socket fails with whatever error it is given, of the system or not.
    const refuse = (error: Error): void => callback(error, []);
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return refuse(badRequest(`lookup ${hostname}: no such host`, { cause: error }));
      const addresses = found.map(({ address }) => parseIp(address));
      if (addresses.some((address) => !address || !isAllowed(address, rules))) return refuse(notAllowed());
      const [first] = found;
      if (!first) return refuse(badRequest('no addresses for hostname'));
      if (options.all) return callback(null, found);
      return callback(null, first.address, first.family);
    });
  };
}

function notAllowed(): ApiError {
  return badRequest('address not allowed');
}

function isAllowed(address: IpAddress, { loopback }: AddressRules): boolean {
  if (isUnspecified(address) || isLinkLocalUnicast(address) || isMulticast(address)) return false;
  return loopback || !isLoopback(address);
}

function isMulticast({ family, value }: IpAddress): boolean {
  return family === 'IPv4' ? value >> 28n === 0xen || value === ipv4Broadcast : value >> 120n === 0xffn;
}
