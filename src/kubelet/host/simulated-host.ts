/** A machine without files, for simulated nodes: it remembers nothing but what it was told to be. */
import type { KubeletHost, MachineFacts } from './host.ts';

export interface SimulatedHostOptions {
  /** Default 8. */
  readonly cpus?: number;
  /** Default 32 GiB. */
  readonly memoryBytes?: number;
  readonly diskBytes?: number;
}

const gib = 1024 ** 3;

export function createSimulatedHost(options: SimulatedHostOptions = {}): KubeletHost {
  const machine: MachineFacts = {
    cpuMillis: (options.cpus ?? 8) * 1000,
    memoryBytes: options.memoryBytes ?? 32 * gib,
    swapBytes: 0,
    diskBytes: options.diskBytes ?? 100 * gib,
    hugepages: {},
    machineId: 'simulated',
    systemUuid: 'simulated',
    bootId: 'simulated',
    kernelVersion: '6.1.0-simulated',
    osImage: 'Simulated',
    architecture: 'amd64',
  };
  const room = { availableBytes: machine.diskBytes, capacityBytes: machine.diskBytes, availableInodes: 1e7, capacityInodes: 1e7 };
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    prepare: nothing,
    machine,
    appArmor: false,
    cgroups: {
      version: 2,
      prepare: () => undefined,
      path: (pod) => `/kubepods/pod${pod.metadata.uid}`,
      ensure: () => undefined,
      balance: () => undefined,
      release: nothing,
      knownPods: () => new Set(),
      limitsSwap: () => false,
      podWorkingSetBytes: () => undefined,
    },
    files: {
      prepare: nothing,
      prepareLogs: nothing,
      linkLog: nothing,
      writeHosts: (pod) => Promise.resolve(`/pods/${pod.metadata.uid}/etc-hosts`),
      createTerminationMessage: (pod, container) => Promise.resolve(`/pods/${pod.metadata.uid}/containers/${container}`),
      readTerminationMessage: () => Promise.resolve(''),
      lastLogNumber: () => Promise.resolve(-1),
      remove: nothing,
      removeLogs: nothing,
      knownPods: () => Promise.resolve(new Set()),
      diskUsageBytes: () => Promise.resolve(0),
    },
    readHosts: () => Promise.resolve('127.0.0.1\tlocalhost\n'),
    readResolvConf: () => Promise.resolve(''),
    readings: () =>
      Promise.resolve({
        memoryAvailableBytes: machine.memoryBytes,
        memoryCapacityBytes: machine.memoryBytes,
        nodeFs: room,
        imageFs: room,
        availablePids: 1e6,
        capacityPids: 1e6,
      }),
  };
}
