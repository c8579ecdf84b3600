/**
 * One virtual machine: booted, spoken to through its agent, switched off or cut from power, removed. Everything goes through the `vm` tool, so
 * this file knows its calls and nothing of QEMU.
 */
import { ProcessError, run } from '../../src/base/index.ts';

/** What `vm exec` ends with when the command took too long. */
const timedOut = 124;
/** Emulated machines are about 13 times slower than this one. */
const patienceSeconds = 300;

export interface ShellOptions {
  /** Default 300. */
  readonly seconds?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** A command in the machine that failed, with what it said. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
}

export class Machine {
  readonly name: string;
  readonly #tool: string;

  constructor(tool: string, name: string) {
    this.#tool = tool;
    this.name = name;
  }

  /** Makes kernel and disk image if they are not there yet. */
  async build(): Promise<void> {
    await run([this.#tool, 'build']);
  }

  /** @param share directory whose content is unpacked to /opt/share; undefined: none */
  async boot(share?: string): Promise<void> {
    await run([this.#tool, 'start', this.name, '--cpus', '2', '--mem', '2048', ...(share === undefined ? [] : ['--tar', share])]);
  }

  /** As if the plug were pulled: what the machine has not written to its disk is lost. */
  async cutPower(): Promise<void> {
    await run([this.#tool, 'kill', this.name]);
  }

  /** The ends of the logs of every cluster and of the system; why not, when the machine does not answer. */
  async readLogs(): Promise<string> {
    try {
      return await this.sh(`tail -n 200 /var/lib/knarr/clusters/*/logs/* /opt/*/clusters/*/logs/* 2>/dev/null || true
journalctl --no-pager -n 100; ps -ef; kubectl get pods,events -A 2>&1 || true`);
    } catch (error) {
      if (error instanceof MachineError) return error.message;
      throw error;
    }
  }

  async remove(): Promise<void> {
    await run([this.#tool, 'rm', this.name]);
  }

  /**
   * Runs a script (`sh -e`) as root, as from a login shell.
   * @throws MachineError when it fails, with what it printed to stderr
   */
  async sh(script: string, options: ShellOptions = {}): Promise<string> {
    const { seconds = patienceSeconds, env = {}, input } = options;
    const variables = Object.entries({ HOME: '/root', KUBECONFIG: '/root/.kube/config', PATH: searchPath, ...env });
    const command = ['env', ...variables.map(([name, value]) => `${name}=${value}`), 'sh', '-ec', script];
    const stdin = input === undefined ? [] : ['-i'];
    try {
      const called = await run([this.#tool, 'exec', this.name, '-t', String(seconds), ...stdin, '--', ...command], {
        ...(input !== undefined && { input }),
      });
      return called.stdout;
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      const fault = error.exitCode === timedOut ? `not done after ${seconds} s` : `exit code ${error.exitCode}`;
      throw new MachineError(`${script.trim()}\n${fault}\n${error.stderr}`.trim(), { cause: error });
    }
  }

  /** What a script that must fail says. */
  async failing(script: string, options: ShellOptions = {}): Promise<string> {
    return this.sh(`if out=$( (${script}) 2>&1 ); then echo "did not fail: $out" >&2; exit 1; fi; echo "$out"`, options);
  }

  /** Waits until a condition (a script's exit code) holds. @throws MachineError when it does not in time, with what it said last */
  async until(condition: string, seconds: number = patienceSeconds): Promise<void> {
    const loop = `end=$(( $(date +%s) + ${seconds} ))
until said=$( (${condition}) 2>&1 ); do
  [ $(date +%s) -lt $end ] || { echo "does not come to hold within ${seconds} s: $said" >&2; exit 1; }
  sleep 0.5
done`;
    await this.sh(loop, { seconds: seconds + 60 });
  }
}

const searchPath = '/opt/share/knarr/bin:/opt/share/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
