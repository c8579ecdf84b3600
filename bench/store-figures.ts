/** The embedded store's figures in the form of the others. */
import type { Figure } from './figure.ts';
import { benchStore } from './store.ts';

export async function measureStore(): Promise<Figure[]> {
  return (await benchStore()).flatMap(({ name, perSecond, p99Ms, cpuMicros }) => [
    { name, value: perSecond, unit: '/s' },
    { name: `${name}, p99`, value: p99Ms, unit: 'ms' },
    { name: `${name}, CPU`, value: cpuMicros, unit: 'µs' },
  ]);
}
