/** The pods that the machine runs. Each carries several properties, since starting one takes seconds there. */
import type { corev1 } from '../../src/api/index.ts';

export const toolbox = 'knarr.local/toolbox:1';

/** Directories of the machine that pods write to. */
export const outDirectory = '/opt/out';
export const sharedDirectory = '/opt/shared';

type Container = Partial<corev1.Container>;

function pod(name: string, container: Container, spec: Partial<corev1.PodSpec> = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 1, ...spec, containers: [{ name: 'main', image: toolbox, ...container }] },
  };
}

const sleep = ['sh', '-c', 'exec sleep 100000'];

/** Burstable, with limits, probes, a volume in memory, and an end that it takes its time for. */
const limited = pod(
  'limited',
  {
    command: [
      'sh',
      '-c',
      'echo begun; trap "echo ended > /out/ended; exit 0" TERM; sleep 1; touch /memory/begun; while :; do sleep 1; done',
    ],
    resources: { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '500m', memory: '64Mi' } },
    startupProbe: { exec: { command: ['test', '-e', '/memory/begun'] }, periodSeconds: 1, failureThreshold: 120, timeoutSeconds: 30 },
    readinessProbe: { exec: { command: ['test', '-e', '/memory/begun'] }, periodSeconds: 2, timeoutSeconds: 30 },
    volumeMounts: [
      { name: 'memory', mountPath: '/memory' },
      { name: 'out', mountPath: '/out' },
    ],
  },
  {
    terminationGracePeriodSeconds: 120,
    volumes: [
      { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
      { name: 'out', hostPath: { path: outDirectory, type: 'DirectoryOrCreate' } },
    ],
  },
);

const amounts = { cpu: '100m', memory: '32Mi' };

/** Guaranteed, reachable through a port of the node. */
const guaranteed = pod('guaranteed', {
  command: ['sh', '-c', 'mkdir -p /tmp/www; echo from a host port > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'],
  resources: { requests: amounts, limits: amounts },
  ports: [{ containerPort: 8080, hostPort: 8081 }],
});

/** Best effort, and mounts something that others of its node shall see. */
const mounting = pod(
  'mounting',
  {
    command: ['sh', '-c', 'mkdir -p /shared/inner; mount -t tmpfs inner /shared/inner; exec sleep 100000'],
    securityContext: { privileged: true },
    volumeMounts: [{ name: 'shared', mountPath: '/shared', mountPropagation: 'Bidirectional' }],
  },
  { volumes: [{ name: 'shared', hostPath: { path: sharedDirectory, type: 'DirectoryOrCreate' } }] },
);

/** Takes more memory than it may, in a process that is not its first. */
const greedy = pod(
  'greedy',
  { command: ['sh', '-c', 'tail /dev/zero & wait; sleep 100000'], resources: { limits: { memory: '24Mi' } } },
  { restartPolicy: 'Never' },
);

const sick = pod('sick', {
  command: sleep,
  livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 30 },
});

const confined = pod('confined', { command: sleep, securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } });

/** As little as a container can have. */
const locked = pod(
  'locked',
  {
    command: ['sh', '-c', 'grep -E "^(Uid|CapEff|NoNewPrivs|Seccomp):" /proc/self/status; touch /file || echo read-only'],
    securityContext: {
      runAsUser: 1000,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  },
  { restartPolicy: 'Never' },
);

export const pods: string = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [limited, guaranteed, mounting, greedy, sick, confined, locked],
});

/** A static busybox under all its names, as an image; run in the machine. */
export const buildToolbox = `mkdir -p /opt/toolbox/bin /opt/toolbox/etc /opt/toolbox/tmp
chmod 755 /opt/toolbox /opt/toolbox/bin /opt/toolbox/etc; chmod 1777 /opt/toolbox/tmp
cp /bin/busybox /opt/toolbox/bin/
busybox --list | grep -vx busybox | while read -r name; do ln -sf busybox /opt/toolbox/bin/$name; done
echo 'root:x:0:0::/:/bin/sh' > /opt/toolbox/etc/passwd
knarr image build -t ${toolbox} /opt/toolbox --env PATH=/bin`;
