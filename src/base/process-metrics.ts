/** What the process itself takes, under the names that every Prometheus client uses; read when somebody asks for it. */
import { Counter, Gauge, type Registry } from './metrics.ts';

/** @param version the label `git_version` of `kubernetes_build_info` */
export function registerProcessMetrics(
  registry: Registry,
  version: { readonly major: string; readonly minor: string; readonly gitVersion: string },
): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) });
  };
  const cpu: Counter = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time spent, in seconds.',
    registers,
    collect: () => {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
  gauge('process_resident_memory_bytes', 'Resident memory, in bytes.', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'Used part of the JavaScript heap, in bytes.', () => process.memoryUsage().heapUsed);
  const build = new Gauge({
    name: 'kubernetes_build_info',
    help: 'The version that runs, as labels; always 1.',
    labelNames: ['major', 'minor', 'git_version', 'platform'],
    registers,
  });
  build.set(
    { major: version.major, minor: version.minor, git_version: version.gitVersion, platform: `${process.platform}/${process.arch}` },
    1,
  );
}
