/**
 * The kernel's network of one node through iproute2: what stands is read in one call, what changes is told in one batch a program. A
 * command that the kernel refuses does not keep the others from it.
 */
import { type Ctx, ProcessError, run } from '../../base/index.ts';
import { formatCidr, parseCidr, parseIp } from '../../api/index.ts';
import { type Entry, nowhere, routeProtocol } from './entry.ts';
import type { Command, Plan } from './entry-plan.ts';

/** A network interface, as far as the pod network looks. */
export interface Link {
  readonly name: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly mac: string;
  /** The name of the interface that packets leave by, of a tunnel. */
  readonly over?: string;
  readonly kind?: string;
  readonly vxlan?: {
    readonly vni: number;
    readonly local: string;
    readonly port: number;
    readonly learning: boolean;
    readonly gbp: boolean;
  };
  readonly addresses: readonly { readonly address: string; readonly prefixLength: number }[];
}

export interface Observed {
  readonly links: readonly Link[];
  readonly entries: readonly Entry[];
}

/** A command that did not work, and what was said of it. */
export interface RefusedCommand {
  readonly command: Command;
  readonly message: string;
}

export interface Kernel {
  /** The interfaces, and what leads through ours. */
  observe(devices: readonly string[], ctx: Pick<Ctx, 'signal'>): Promise<Observed>;
  /** Runs `ip` with these lines, to the first that fails. @throws ProcessError */
  ip(lines: readonly string[], ctx: Pick<Ctx, 'signal'>): Promise<void>;
  apply(plan: Plan, ctx: Pick<Ctx, 'signal'>): Promise<RefusedCommand[]>;
  /** Runs another program in the node's network. @throws ProcessError */
  run(command: readonly [string, ...string[]], options: { readonly signal: AbortSignal; readonly input?: string }): Promise<string>;
}

/** @param enter what commands are run with, such as `nsenter --net=…`; default: this process's own network */
export function createKernel(enter: readonly string[] = []): Kernel {
  const command = (...args: readonly [string, ...string[]]): [string, ...string[]] => [...enter, ...args] as [string, ...string[]];
  return {
    observe: async (devices, { signal }) => {
      const read = async (args: readonly string[], input?: string): Promise<unknown[]> => {
        const { stdout } = await run(command('ip', '-j', '-d', ...args), { signal, ...(input !== undefined && { input }) });
        // One array a command, each on a line of its own.
        return stdout.split('\n').flatMap((line) => (line.trim() === '' ? [] : [JSON.parse(line) as unknown]));
      };
      const [[links, neighbours, v4Routes], [v6Routes = []]] = await Promise.all([
        read(['-batch', '-'], 'addr show\nneigh show nud permanent\nroute show\n'),
        read(['-6', 'route', 'show']),
      ]);
      const found = (links as RawLink[]).map(readLink);
      const present = devices.filter((device) => found.some(({ name }) => name === device));
      const stations = await Promise.all(
        present.map(async (device) => {
          const { stdout } = await run(command('bridge', '-j', 'fdb', 'show', 'dev', device), { signal });
          return readForwarding(device, JSON.parse(stdout || '[]') as RawStation[]);
        }),
      );
      return {
        links: found,
        entries: [
          ...(neighbours as RawNeighbour[]).flatMap((raw) => readNeighbour(raw, devices)),
          ...stations.flat(),
          ...[...(v4Routes as RawRoute[]), ...(v6Routes as RawRoute[])].flatMap((raw) => readRoute(raw, devices)),
        ],
      };
    },
    ip: async (lines, { signal }) => {
      if (lines.length > 0) await run(command('ip', '-batch', '-'), { signal, input: lines.map((line) => `${line}\n`).join('') });
    },
    apply: async (plan, { signal }) => {
      const refused: RefusedCommand[] = [];
      for (const program of ['bridge', 'ip'] as const) {
        const commands = plan[program];
        if (commands.length === 0) continue;
        const input = commands.map(({ text }) => `${text}\n`).join('');
        const message = await messageOf(run(command(program, '-force', '-batch', '-'), { signal, input }));
        if (message !== undefined) refused.push(...whichFailed(commands, message));
      }
      return refused;
    },
    run: async (words, options) => (await run(command(...words), options)).stdout,
  };
}

/** What the program said when it failed; undefined when it did not. */
async function messageOf(ending: Promise<unknown>): Promise<string | undefined> {
  try {
    await ending;
    return undefined;
  } catch (error) {
    if (error instanceof ProcessError) return error.stderr.trim() || error.message;
    throw error;
  }
}

/** The commands of a batch that failed, by their numbers; all of them when the program does not say. Pure. */
export function whichFailed(commands: readonly Command[], stderr: string): RefusedCommand[] {
  const refused: RefusedCommand[] = [];
  let said: string[] = [];
  for (const line of stderr.split('\n')) {
    const number = /^Command failed -:(\d+)$/.exec(line)?.[1];
    if (number === undefined) {
      said.push(line);
      continue;
    }
    const command = commands[Number(number) - 1];
    if (command) refused.push({ command, message: said.join('; ') });
    said = [];
  }
  return refused.length > 0 ? refused : commands.map((command) => ({ command, message: stderr }));
}

interface RawLink {
  readonly ifname: string;
  readonly link?: string;
  readonly mtu?: number;
  readonly flags?: readonly string[];
  readonly address?: string;
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: RawVxlan };
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

interface RawVxlan {
  readonly id?: number;
  readonly local?: string;
  readonly local6?: string;
  readonly link?: string;
  readonly port?: number;
  readonly learning?: boolean;
  readonly gbp?: boolean;
}

function readLink(raw: RawLink): Link {
  const { info_kind: kind, info_data: data } = raw.linkinfo ?? {};
  const over = data?.link ?? raw.link;
  return {
    name: raw.ifname,
    mtu: raw.mtu ?? 0,
    up: raw.flags?.includes('UP') ?? false,
    mac: raw.address ?? '',
    ...(over !== undefined && { over }),
    ...(kind !== undefined && { kind }),
    ...(kind === 'vxlan' && {
      vxlan: {
        vni: data?.id ?? 0,
        local: data?.local ?? data?.local6 ?? '',
        port: data?.port ?? 0,
        learning: data?.learning ?? false,
        gbp: data?.gbp ?? false,
      },
    }),
    addresses: (raw.addr_info ?? []).flatMap(({ local, prefixlen }) =>
      local === undefined || prefixlen === undefined ? [] : [{ address: local, prefixLength: prefixlen }],
    ),
  };
}

interface RawNeighbour {
  readonly dst: string;
  readonly dev?: string;
  readonly lladdr?: string;
}

function readNeighbour({ dst, dev = '', lladdr }: RawNeighbour, devices: readonly string[]): Entry[] {
  // The kernel has permanent ones of its own, for groups.
  if (!devices.includes(dev) || lladdr === undefined || /^(22[4-9]|23\d|ff)/.test(dst)) return [];
  return [{ kind: 'neighbour', device: dev, address: dst, mac: lladdr }];
}

interface RawStation {
  readonly mac: string;
  readonly dst?: string;
  readonly state?: string;
}

function readForwarding(device: string, raw: readonly RawStation[]): Entry[] {
  const seen = new Set<string>();
  return raw.flatMap(({ mac, dst, state }): Entry[] => {
    if (dst === undefined || state !== 'permanent') return [];
    const extra = seen.has(mac);
    seen.add(mac);
    return [{ kind: 'forwarding', device, mac, destination: dst, ...(extra && { extra }) }];
  });
}

interface RawRoute {
  readonly type?: string;
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly protocol?: string;
  readonly flags?: readonly string[];
}

function readRoute({ type = 'unicast', dst, gateway, dev, protocol, flags }: RawRoute, devices: readonly string[]): Entry[] {
  // A route over a device of ours is ours, whoever made it: it would lead packets astray.
  const ours = protocol === String(routeProtocol) || (dev !== undefined && devices.includes(dev) && protocol !== 'kernel');
  const cidr = parseCidr(dst) ?? hostRange(dst);
  if (!ours || !cidr || (type !== 'unicast' && type !== 'unreachable')) return [];
  const device = type === 'unreachable' ? nowhere : (dev ?? '');
  return [
    {
      kind: 'route',
      subnet: formatCidr(cidr),
      device,
      onlink: flags?.includes('onlink') ?? false,
      ...(gateway !== undefined && device !== nowhere && { via: gateway }),
    },
  ];
}

/** Of one address, iproute2 prints no length. */
function hostRange(text: string): ReturnType<typeof parseCidr> {
  const address = parseIp(text);
  return address && { address, prefixLength: address.family === 'IPv4' ? 32 : 128 };
}
