/** The engine's configuration for one node, as text. Why each line is there stands beside it. Pure. */

export interface ContainerdConfig {
  readonly root: string;
  readonly state: string;
  readonly socket: string;
  readonly cniBinaries: string;
  readonly cniConfig: string;
  readonly registryConfig: string;
  readonly optDirectory: string;
  readonly pauseImage: string;
  /** The engine may lower `oom_score_adj`; otherwise it starts every container at its own. */
  readonly lowersOomScore: boolean;
  /** runc's own program, when it is not on the engine's PATH. */
  readonly runcPath?: string;
}

/** Snapshotters and tracers that a node does not use; loading them costs time and log lines. */
const disabledPlugins = [
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.native',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
];

/** A TOML string: JSON's escapes are a subset of TOML's. */
const text = (value: string): string => JSON.stringify(value);

export function renderContainerdConfig(config: ContainerdConfig): string {
  return `version = 2
root = ${text(config.root)}
state = ${text(config.state)}
disabled_plugins = [${disabledPlugins.map(text).join(', ')}]

[grpc]
  address = ${text(config.socket)}

[plugins."io.containerd.internal.v1.opt"]
  path = ${text(config.optDirectory)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(config.pauseImage)}
  # Loopback of the node's own network namespace; only its kubelet gets there.
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  # AppArmor profiles would have to be loaded into the host's kernel, which is not ours to change; the kubelet refuses pods that ask.
  disable_apparmor = true
  # Without the capability to lower oom_score_adj no sandbox would start; raising it still works.
  restrict_oom_score_adj = ${!config.lowersOomScore}
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  # Sandboxes' namespaces stand below the node's state, not in /var/run/netns that all nodes share.
  netns_mounts_under_state_dir = true
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${text(config.cniBinaries)}
    conf_dir = ${text(config.cniConfig)}

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = ${text(`${config.state}/runc`)}
${config.runcPath ? `        BinaryName = ${text(config.runcPath)}\n` : ''}
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${text(config.registryConfig)}
`;
}
