/**
 * What a cluster's pod network shall be, as flannel's `net-conf.json` says it. Pure: text in, a checked value or every fault out. Values
 * of it reach commands, so nothing passes that is not understood.
 * @source flannel pkg/subnet/config.go, Documentation/configuration.md and backends.md, v0.26
 */
import { formatCidr, type IpFamily, parseCidr } from '../../api/index.ts';

export interface VxlanOptions {
  readonly type: 'vxlan';
  /** The network's number in every packet, 1–16777215. */
  readonly vni: number;
  readonly port: number;
  /** Packets carry the group of whoever sent them. */
  readonly gbp: boolean;
  readonly learning: boolean;
  /** Nodes on the same link are reached without a tunnel. */
  readonly directRouting: boolean;
  /** The device's name; default: of ours, with the network's number. */
  readonly name?: string;
}

export interface HostGatewayOptions {
  readonly type: 'host-gw';
}

export type BackendOptions = VxlanOptions | HostGatewayOptions | { readonly type: 'none' };

export interface NetworkConfiguration {
  readonly backend: BackendOptions;
  /** Families that pods have; left out: those of the cluster. */
  readonly families?: readonly IpFamily[];
  /** The pods' ranges, when they are written down: a node whose subnet is elsewhere has no network. */
  readonly networks: { readonly [Family in IpFamily]?: string };
  /** Size of the packets that may leave a node, in place of what its interface says. */
  readonly mtu?: number;
}

export type BackendType = BackendOptions['type'];

export const backendTypes: readonly BackendType[] = ['vxlan', 'host-gw', 'none'];

const foreignBackends = ['udp', 'ipip', 'ipsec', 'alloc', 'extension', 'ali-vpc', 'aws-vpc', 'gce', 'tencent-vpc'];
/** What else flannel knows on the first level: subnets are given by the cluster here. */
const foreignFields = [
  'SubnetLen',
  'SubnetMin',
  'SubnetMax',
  'IPv6SubnetLen',
  'IPv6SubnetMin',
  'IPv6SubnetMax',
  'Networks',
  'IPv6Networks',
];

type Read =
  | { readonly configuration: NetworkConfiguration; readonly faults?: undefined }
  | { readonly configuration?: undefined; readonly faults: readonly string[] };

/** The configuration of a backend with nothing but defaults. */
export function defaultConfiguration(type: BackendType = 'vxlan'): NetworkConfiguration {
  return parseNetworkConfiguration(JSON.stringify({ Backend: { Type: type } }), { families: 'all' }).configuration!;
}

/**
 * Reads a `net-conf.json`. Faults name the field as it is written there.
 * @param defaults.families what pods have when the text does not say: `flannel` is IPv4 alone
 */
export function parseNetworkConfiguration(
  text: string,
  defaults: { readonly families: 'flannel' | 'all' } = { families: 'flannel' },
): Read {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { faults: [`not JSON: ${(error as SyntaxError).message}`] };
  }
  if (!isObject(json)) return { faults: ['not a JSON object'] };
  const fields = new Fields(json, '');
  const networks = readNetworks(fields);
  const families = readFamilies(fields, networks, defaults.families);
  fields.boolean('EnableNFTables', true);
  for (const name of foreignFields)
    if (fields.take(name) !== undefined)
      fields.fault(name, "not supported: the cluster gives nodes their subnets (controller-manager's cluster-cidr, node-cidr-mask-size)");
  const backendFields = new Fields(fields.object('Backend'), 'Backend.', fields.faults);
  const backend = readBackend(backendFields);
  const mtu = backend?.type === 'none' ? undefined : backendFields.integer('MTU', 0, 0, 65_535);
  if (mtu !== undefined && mtu > 0 && mtu < 1280) backendFields.fault('MTU', 'must be 0 (as the interface) or from 1280 to 65535');
  if (backend) backendFields.refuseRest();
  fields.refuseRest();
  if (fields.faults.length > 0 || !backend) return { faults: fields.faults };
  return { configuration: { backend, networks, ...(families && { families }), ...(mtu && { mtu }) } };
}

function readNetworks(fields: Fields): NetworkConfiguration['networks'] {
  const networks: { [Family in IpFamily]?: string } = {};
  for (const [name, family] of [['Network', 'IPv4'] as const, ['IPv6Network', 'IPv6'] as const]) {
    const text = fields.string(name);
    if (text === undefined || text === '') continue;
    const cidr = parseCidr(text);
    if (cidr?.address.family === family) networks[family] = formatCidr(cidr);
    else fields.fault(name, `must be an ${family} range, not ${JSON.stringify(text)}`);
  }
  return networks;
}

function readFamilies(fields: Fields, networks: NetworkConfiguration['networks'], defaults: 'flannel' | 'all'): IpFamily[] | undefined {
  const said = fields.has('EnableIPv4') || fields.has('EnableIPv6') || defaults === 'flannel';
  const v4 = fields.boolean('EnableIPv4', true);
  const v6 = fields.boolean('EnableIPv6', false);
  if (!v4 && !v6) fields.fault('EnableIPv4', 'and EnableIPv6 must not both be false');
  if (networks.IPv6 !== undefined && !v6) fields.fault('IPv6Network', 'needs EnableIPv6: true');
  return said ? [...(v4 ? (['IPv4'] as const) : []), ...(v6 ? (['IPv6'] as const) : [])] : undefined;
}

function readBackend(fields: Fields): BackendOptions | undefined {
  const type = fields.string('Type') ?? 'vxlan';
  switch (type) {
    case 'vxlan': {
      const name = fields.string('Name');
      if (name !== undefined && !/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,12}$/.test(name)) {
        fields.fault('Name', 'must be the name of an interface, of 1 to 13 letters, digits, dots, dashes and underscores');
        return undefined;
      }
      return {
        type,
        vni: fields.integer('VNI', 1, 1, 2 ** 24 - 1),
        port: fields.integer('Port', 8472, 0, 65_535) || 8472,
        gbp: fields.boolean('GBP', false),
        learning: fields.boolean('Learning', false),
        directRouting: fields.boolean('DirectRouting', false),
        ...(name !== undefined && { name }),
      };
    }
    case 'host-gw':
    case 'none':
      return { type };
    default: {
      const fault = foreignBackendFault(type) ?? `${JSON.stringify(type)} is no backend`;
      fields.fault('Type', `${fault}; there are ${backendTypes.join(', ')}`);
      return undefined;
    }
  }
}

/** Why a backend that flannel has is none here; undefined for what is no backend of flannel's. */
export function foreignBackendFault(type: string): string | undefined {
  if (type === 'wireguard') return 'wireguard is not supported: nothing here encrypts what nodes send each other';
  return foreignBackends.includes(type) ? `${type} is not supported` : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Takes known fields out of an object, one by one; what is left at the end is unknown. */
class Fields {
  readonly faults: string[];
  readonly #left: Map<string, unknown>;
  readonly #prefix: string;

  constructor(object: Record<string, unknown>, prefix: string, faults: string[] = []) {
    this.#left = new Map(Object.entries(object));
    this.#prefix = prefix;
    this.faults = faults;
  }

  has(name: string): boolean {
    return this.#left.has(name);
  }

  take(name: string): unknown {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  fault(name: string, detail: string): void {
    this.faults.push(`${this.#prefix}${name}: ${detail}`);
  }

  string(name: string): string | undefined {
    const value = this.take(name);
    if (value === undefined || typeof value === 'string') return value;
    this.fault(name, 'must be a string');
    return undefined;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.take(name) ?? fallback;
    if (typeof value === 'boolean') return value;
    this.fault(name, 'must be true or false');
    return fallback;
  }

  integer(name: string, fallback: number, least: number, most: number): number {
    const value = this.take(name) ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.fault(name, `must be a whole number from ${least} to ${most}`);
    return fallback;
  }

  object(name: string): Record<string, unknown> {
    const value = this.take(name) ?? {};
    if (isObject(value)) return value;
    this.fault(name, 'must be an object');
    return {};
  }

  refuseRest(): void {
    for (const name of this.#left.keys()) this.fault(name, 'not supported');
  }
}
