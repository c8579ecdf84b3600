/**
 * Fields that are a number or a percentage of another number (`maxSurge: 25%`), and ports that are a number or a name.
 * @source apimachinery pkg/util/intstr, v1.35
 */
import type { IntOrString } from './gen/scalars.ts';

/** The string is not a percentage; the message is upstream's. */
export class IntOrStringError extends Error {
  override readonly name = 'IntOrStringError';
}

/**
 * A number as it is; a percentage of `total`, rounded as asked.
 * @throws IntOrStringError when a string is not a percentage
 */
export function scaledValue(value: IntOrString, options: { readonly total: number; readonly round: 'up' | 'down' }): number {
  if (typeof value === 'number') return value;
  const percent = /^([-+]?[0-9]+)%$/.exec(value)?.[1];
  if (percent === undefined) {
    throw new IntOrStringError(
      value.endsWith('%')
        ? `invalid value for IntOrString: invalid value "${value}": strconv.Atoi: parsing "${value.slice(0, -1)}": invalid syntax`
        : 'invalid value for IntOrString: invalid type: string is not a percentage',
    );
  }
  const scaled = (Number(percent) * options.total) / 100;
  return options.round === 'up' ? Math.ceil(scaled) : Math.floor(scaled);
}

/** The number in a percentage, undefined for anything else. */
export function percentOf(value: IntOrString): number | undefined {
  if (typeof value === 'number') return undefined;
  const digits = /^([0-9]+)%$/.exec(value)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
