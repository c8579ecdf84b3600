/**
 * A node of a simulated cluster: the real kubelet on an engine that runs nothing. The engine outlives the kubelet, as on a machine, so
 * a kubelet that is started again finds its containers.
 */
import type { Clock, Logger, Random } from '../base/index.ts';
import { TaskGroup } from '../base/index.ts';
import { createClient, createInformerFactory, type Transport } from '../client/index.ts';
import {
  createSimulatedRuntime,
  type Kubelet,
  type KubeletConfigInput,
  type SimulatedHostOptions,
  type SimulatedRuntime,
  type SimulatedRuntimeOptions,
  startSimulatedKubelet,
} from '../kubelet/index.ts';
import type { Faults } from './faults.ts';

/** How a simulated node behaves. */
export interface SimulatedNodeOptions extends Omit<SimulatedRuntimeOptions, 'clock' | 'podNetwork'> {
  readonly kubelet?: Partial<KubeletConfigInput>;
  readonly machine?: SimulatedHostOptions;
}

export interface SimulatedNode {
  readonly name: string;
  /** Its engine: containers can be looked at, ended and disturbed. */
  readonly runtime: SimulatedRuntime;
  /** What goes wrong between this kubelet and the API server. */
  readonly faults: Faults;
  /** Undefined while it does not run. */
  readonly kubelet: Kubelet | undefined;
  /** The kubelet ends; its containers go on. */
  stopKubelet(): Promise<void>;
  /** Starts the kubelet (again); harmless while it runs. */
  startKubelet(): Promise<void>;
  /** The machine loses its power: kubelet and containers end at once. `startKubelet` is its next boot. */
  powerOff(): Promise<void>;
}

export interface SimulatedNodeDeps {
  readonly name: string;
  /** The node's place in the cluster, from 1: its addresses follow from it. */
  readonly index: number;
  readonly transport: Transport;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export async function startSimulatedNode(options: SimulatedNodeOptions, deps: SimulatedNodeDeps): Promise<SimulatedNode> {
  const { kubelet: settings, machine, ...engine } = options;
  const { name, index, clock, random, faults } = deps;
  const log = deps.log.child({ node: name });
  const client = createClient(faults.wrap(deps.transport));
  const runtime = createSimulatedRuntime({ clock, ...engine, podNetwork: `10.244.${index - 1}` });
  let running: { readonly kubelet: Kubelet; readonly group: TaskGroup } | undefined;

  const node: SimulatedNode = {
    name,
    runtime,
    faults,
    get kubelet() {
      return running?.kubelet;
    },
    startKubelet: async () => {
      if (running) return;
      const group = new TaskGroup({ log, signal: deps.signal });
      const shared = { client, clock, random, log, group };
      const input = { nodeName: name, nodeIps: [`192.168.${index >> 8}.${index & 255}`], ...settings };
      const informers = createInformerFactory(shared);
      const kubelet = await startSimulatedKubelet(input, { ...shared, informers, runtime, ...(machine && { machine }) });
      running = { kubelet, group };
    },
    stopKubelet: async () => {
      const stopping = running;
      running = undefined;
      await stopping?.kubelet.close();
      await stopping?.group.close();
    },
    powerOff: async () => {
      await node.stopKubelet();
      const call = { signal: new AbortController().signal };
      for (const { id, state } of await runtime.runtime.listContainers({}, call)) {
        if (state === 'running') runtime.exitContainer(id, lostPower);
      }
      for (const { id } of await runtime.runtime.listPodSandboxes({}, call)) runtime.killSandbox(id);
    },
  };
  await node.startKubelet();
  return node;
}

/** What an engine finds of containers that ended with the machine. */
const lostPower = 255;
