/**
 * Mounting in this process's mount namespace, by the system's own programs. It mounts what it is told where it is told; whether the
 * place is safe is decided before.
 */
import { release } from 'node:os';
import { run } from '../../base/index.ts';
import { mountsBelow, readMountTable } from './mount-table.ts';

export interface Mounter {
  /** @param options.sizeBytes 0: the kernel's own limit */
  mountTmpfs(directory: string, options: { readonly sizeBytes: number }, signal: AbortSignal): Promise<void>;
  /**
   * Binds what an open descriptor of this process names, whatever has become of its path.
   * @param options of mount(8), such as `noatime`
   */
  bindDescriptor(descriptor: number, target: string, signal: AbortSignal, options?: readonly string[]): Promise<void>;
  /** Unmounts everything at and below a directory, innermost first; nothing there is fine. @throws ProcessError */
  unmountAll(directory: string, signal: AbortSignal): Promise<void>;
  /** Mount points at and below a directory. */
  mountsBelow(directory: string): readonly string[];
}

/** Memory that was swapped out would be on disk; kernels since 6.4 can keep it from that. */
function noSwapOption(): string[] {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 4) ? ['noswap'] : [];
}

export const systemMounter: Mounter = {
  mountTmpfs: async (directory, { sizeBytes }, signal) => {
    const options = [...(sizeBytes > 0 ? [`size=${sizeBytes}`] : []), ...noSwapOption()];
    await run(['mount', '-t', 'tmpfs', ...(options.length > 0 ? ['-o', options.join(',')] : []), 'tmpfs', directory], { signal });
  },
  bindDescriptor: async (descriptor, target, signal, options = []) => {
    // Not canonicalized: the descriptor is what was checked, its path may be another thing by now.
    await run(['mount', '--no-canonicalize', '-o', ['bind', ...options].join(','), `/proc/${process.pid}/fd/${descriptor}`, target], {
      signal,
    });
  },
  unmountAll: async (directory, signal) => {
    for (const path of systemMounter.mountsBelow(directory)) {
      await run(['umount', '--no-canonicalize', path], { signal });
    }
  },
  mountsBelow: (directory) => mountsBelow(readMountTable(), directory),
};
