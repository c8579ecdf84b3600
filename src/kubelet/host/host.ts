/**
 * What the kubelet asks of the machine it runs on: cgroups, the pods' own files, and facts about the machine. Two implementations: the
 * real one, and one without files for simulated nodes, so that the rest of the kubelet is the same code in both.
 */
import type { corev1 } from '../../api/index.ts';
import type { PodCgroups } from '../cgroups/cgroups.ts';

export interface MachineFacts {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  /** Of the file system that holds the kubelet's directory. */
  readonly diskBytes: number;
  readonly hugepages: Readonly<Record<string, string>>;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** As Go calls it: `amd64`, `arm64`. */
  readonly architecture: string;
}

/** Room on a file system. */
export interface DiskRoom {
  readonly availableBytes: number;
  readonly capacityBytes: number;
  readonly availableInodes: number;
  readonly capacityInodes: number;
}

export interface HostReadings {
  readonly memoryAvailableBytes: number;
  readonly memoryCapacityBytes: number;
  /** The file system of the kubelet's directory. */
  readonly nodeFs: DiskRoom;
  /** The file system of the engine's images; often the same. */
  readonly imageFs: DiskRoom;
  readonly availablePids: number;
  readonly capacityPids: number;
}

/** Files of one pod, below `ROOT/pods/UID`. */
export interface PodFiles {
  /** Makes the pod's directories and its log directory. */
  prepare(pod: corev1.Pod): Promise<void>;
  /** Makes the directory of a container's logs. */
  prepareLogs(pod: corev1.Pod, containerName: string): Promise<void>;
  /** Links a started container's log into the flat directory that log collectors read. */
  linkLog(pod: corev1.Pod, container: { readonly name: string; readonly id: string; readonly logPath: string }): Promise<void>;
  /** Writes the pod's hosts file and returns its path. */
  writeHosts(pod: corev1.Pod, text: string): Promise<string>;
  /** An empty file that every user of the container may write; returns its path. */
  createTerminationMessage(pod: corev1.Pod, containerName: string): Promise<string>;
  /** At most `maxBytes` from the file's end; empty when there is nothing. */
  readTerminationMessage(path: string, maxBytes: number): Promise<string>;
  /** Number of the highest log file of a container, or -1: says how often it was started before the engine forgot it. */
  lastLogNumber(pod: corev1.Pod, containerName: string): Promise<number>;
  /** Removes the pod's directory; volumes must be released. Logs stay until `removeLogs`. */
  remove(podUid: string): Promise<void>;
  removeLogs(podUid: string): Promise<void>;
  /** Uids that have a directory or logs. */
  knownPods(): Promise<ReadonlySet<string>>;
  /** Bytes in the pod's own directories (emptyDir on disk) and logs; for eviction. */
  diskUsageBytes(podUid: string): Promise<number>;
}

export interface KubeletHost {
  /** Makes the kubelet's own directories. */
  prepare(): Promise<void>;
  readonly machine: MachineFacts;
  readonly cgroups: PodCgroups;
  readonly files: PodFiles;
  /** AppArmor profiles can be enforced. */
  readonly appArmor: boolean;
  readHosts(): Promise<string>;
  readResolvConf(): Promise<string>;
  readings(imageFsPath: string | undefined): Promise<HostReadings>;
}
