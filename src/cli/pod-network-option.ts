/** The flag `--network`: a backend's name, or a file with flannel's `net-conf.json`. */
import { existsSync, readFileSync } from 'node:fs';
import { ClusterError } from '../cluster/index.ts';
import type { BackendType, NetworkConfiguration } from '../network/configuration/index.ts';

/** @throws ClusterError that names every fault of the file, or what there is to choose from */
export async function readPodNetwork(text: string): Promise<NetworkConfiguration> {
  const { backendTypes, defaultConfiguration, foreignBackendFault, parseNetworkConfiguration } =
    await import('../network/configuration/index.ts');
  const type = backendTypes.find((each): each is BackendType => each === text);
  if (type) return defaultConfiguration(type);
  if (!existsSync(text)) {
    const fault = foreignBackendFault(text) ?? 'there is no such file';
    throw new ClusterError(`--network ${text}: ${fault}; give ${backendTypes.join(', ')}, or a file with a net-conf.json`);
  }
  const { configuration, faults } = parseNetworkConfiguration(readFileSync(text, 'utf8'));
  if (!configuration) throw new ClusterError(`--network ${text}:${faults.map((fault) => `\n  ${fault}`).join('')}`);
  return configuration;
}
