/** Which nodes a cluster is to have: names, numbers and addresses of those that are added. Pure. */
import { ClusterError } from '../cluster-error.ts';
import type { ClusterRecord, NodeRecord } from '../cluster-record.ts';
import { nodeAddress } from '../network/address-block.ts';

/** More than that a machine's block of addresses does not hold. */
export const maxNodes = 200;

const maxNameLength = 63;
const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

type Members = Pick<ClusterRecord, 'name' | 'network' | 'nodes'>;

/** Why `name` cannot be a node's name; undefined when it can. It is a host name, too. */
export function nodeNameFault(name: string): string | undefined {
  if (name.length <= maxNameLength && namePattern.test(name)) return undefined;
  return `a node's name is at most ${maxNameLength} lower-case letters, digits and hyphens, and starts and ends with a letter or digit: "${name}"`;
}

/**
 * The nodes with one more. It takes the lowest number that is free, and a name by that number unless one is given.
 * @throws ClusterError when the name is taken or impossible, or there is no room
 */
export function withNode({ name: cluster, network, nodes }: Members, name?: string): NodeRecord[] {
  const fault = name === undefined ? undefined : nodeNameFault(name);
  if (fault) throw new ClusterError(fault);
  if (nodes.some((node) => node.name === name)) throw new ClusterError(`cluster "${cluster}" has a node "${name}" already`);
  if (nodes.length >= maxNodes) throw new ClusterError(`a cluster has at most ${maxNodes} nodes on one machine`);
  const numbers = new Set(nodes.map(({ index }) => index));
  const names = new Set(nodes.map((node) => node.name));
  let index = 1;
  // A number is free when it is nobody's, and neither has somebody else the name that goes with it.
  while (numbers.has(index) || (name === undefined && names.has(`${cluster}-${index}`))) index++;
  const added = { name: name ?? `${cluster}-${index}`, index, ip: nodeAddress(network, index) };
  return [...nodes, added].toSorted((a, b) => a.index - b.index);
}

/**
 * The nodes of a cluster that is to have `count`; as they are when nothing is said.
 * @throws ClusterError when there are more: which of them should go is not `up`'s to say
 */
export function withNodeCount(members: Members, count: number | undefined): readonly NodeRecord[] {
  let { nodes } = members;
  if (count === undefined) return nodes.length > 0 ? nodes : withNode(members);
  if (count < nodes.length)
    throw new ClusterError(
      `cluster "${members.name}" has ${nodes.length} nodes (${nodes.map(({ name }) => name).join(', ')}), which is more than ${count}; say which one goes: knarr node delete NODE --name ${members.name}`,
    );
  while (nodes.length < count) nodes = withNode({ ...members, nodes });
  return nodes;
}
