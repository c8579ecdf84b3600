/**
 * Quantities of resources (`100m`, `1.5Gi`, `1e3`): exact decimal numbers with three ways of writing them, and one canonical text
 * for each number. Values finer than a billionth are rounded up when read, so that whoever asks for a little gets a little.
 * @source apimachinery pkg/api/resource, v1.35
 */

/** How a quantity is written: `k M G`, `Ki Mi Gi` or `e3 e6`. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** The text is not a quantity; the message is the one that clients see. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const formatWrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const numberWrong = 'unable to parse numeric part of quantity';
const suffixWrong = "unable to parse quantity's suffix";

const decimalSuffixes: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binarySuffixes: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalSuffixOf = new Map(Object.entries(decimalSuffixes).map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixOf = new Map(Object.entries(binarySuffixes).map(([suffix, exponent]) => [exponent, suffix]));

const shape = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;
/** Longer numbers and larger exponents than these are refused: big integers grow with them, and no resource needs them. */
const maxDigits = 400;
const maxExponent = 400;
const int64Max = 2n ** 63n - 1n;

/** An immutable exact number `unscaled × 10^scale`, and the format to write it in. */
export class Quantity {
  readonly unscaled: bigint;
  /** At least -9. */
  readonly scale: number;
  readonly format: QuantityFormat;
  #text: string | undefined;

  constructor(unscaled: bigint, scale: number, format: QuantityFormat) {
    this.unscaled = unscaled;
    this.scale = scale;
    this.format = format;
  }

  get isZero(): boolean {
    return this.unscaled === 0n;
  }

  /** -1, 0 or 1. */
  get sign(): number {
    return this.unscaled === 0n ? 0 : this.unscaled < 0n ? -1 : 1;
  }

  compare(other: Quantity): number {
    const scale = Math.min(this.scale, other.scale);
    const [a, b] = [this.#atScale(scale), other.#atScale(scale)];
    return a === b ? 0 : a < b ? -1 : 1;
  }

  equals(other: Quantity): boolean {
    return this.compare(other) === 0;
  }

  /** The sum, in this quantity's format (the other's when this is zero). */
  add(other: Quantity): Quantity {
    const scale = Math.min(this.scale, other.scale);
    return new Quantity(this.#atScale(scale) + other.#atScale(scale), scale, this.isZero ? other.format : this.format);
  }

  subtract(other: Quantity): Quantity {
    const scale = Math.min(this.scale, other.scale);
    return new Quantity(this.#atScale(scale) - other.#atScale(scale), scale, this.isZero ? other.format : this.format);
  }

  negate(): Quantity {
    return new Quantity(-this.unscaled, this.scale, this.format);
  }

  /** The value in units of 10^scale, rounded away from zero. */
  scaledValue(scale: number): number {
    return Number(this.#rounded(scale));
  }

  /** In whole units (bytes of memory), rounded up. Exact up to 2^53. */
  value(): number {
    return this.scaledValue(0);
  }

  /** In thousandths (millicores), rounded up. */
  milliValue(): number {
    return this.scaledValue(-3);
  }

  /** The nearest floating point number. */
  toNumber(): number {
    return Number(this.unscaled) * 10 ** this.scale;
  }

  /** The same quantity with nothing finer than 10^scale, rounded away from zero. */
  roundUp(scale: number): Quantity {
    return this.scale >= scale ? this : new Quantity(this.#rounded(scale), scale, this.format);
  }

  /** The canonical text: the largest unit that needs no fraction. */
  toString(): string {
    return (this.#text ??= this.#write());
  }

  toJSON(): string {
    return this.toString();
  }

  #write(): string {
    if (this.unscaled === 0n) return '0';
    if (this.format === 'BinarySI' && this.#fitsBinary()) {
      let number = this.#atScale(0);
      let exponent = 0;
      while (exponent < 60 && number % 1024n === 0n) {
        number /= 1024n;
        exponent += 10;
      }
      return `${number}${binarySuffixOf.get(exponent) ?? ''}`;
    }
    let number = this.unscaled;
    let exponent = this.scale;
    while (number % 10n === 0n) {
      number /= 10n;
      exponent++;
    }
    while (exponent % 3 !== 0) {
      number *= 10n;
      exponent--;
    }
    if (this.format !== 'DecimalExponent') {
      for (; exponent > 18; exponent -= 3) number *= 1000n;
      return `${number}${decimalSuffixOf.get(exponent)!}`;
    }
    return exponent === 0 ? String(number) : `${number}e${exponent}`;
  }

  /** Small numbers and fractions are written in decimal, so that nothing is lost. */
  #fitsBinary(): boolean {
    if (this.scale < 0 && this.unscaled % 10n ** BigInt(-this.scale) !== 0n) return false;
    const whole = this.#rounded(0);
    return whole <= -1024n || whole >= 1024n;
  }

  /** @param scale not above this quantity's own */
  #atScale(scale: number): bigint {
    return scale === this.scale
      ? this.unscaled
      : scale < this.scale
        ? this.unscaled * 10n ** BigInt(this.scale - scale)
        : this.#rounded(scale);
  }

  #rounded(scale: number): bigint {
    if (scale <= this.scale) return this.#atScale(scale);
    const divisor = 10n ** BigInt(scale - this.scale);
    const quotient = this.unscaled / divisor;
    if (quotient * divisor === this.unscaled) return quotient;
    return this.unscaled < 0n ? quotient - 1n : quotient + 1n;
  }
}

export const zeroQuantity: Quantity = new Quantity(0n, 0, 'DecimalSI');

/** Few different texts are in use in a cluster, so what was read is kept; cleared when full. */
const known = new Map<string, Quantity>();
const maxKnown = 4096;

/**
 * Reads a quantity; JSON numbers are taken too, as upstream does.
 * @throws QuantityError when it is none
 */
export function parseQuantity(text: string | number): Quantity {
  const key = typeof text === 'number' ? String(text) : text;
  const found = known.get(key);
  if (found) return found;
  const quantity = read(key);
  if (known.size >= maxKnown) known.clear();
  if (key.length < 64) known.set(key, quantity);
  return quantity;
}

/** The same, undefined instead of an error. */
export function tryParseQuantity(text: string | number): Quantity | undefined {
  try {
    return parseQuantity(text);
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

/** A whole quantity, such as bytes or a count, in the given format. */
export function quantityOf(value: number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return new Quantity(BigInt(value), 0, format);
}

/** Thousandths, such as millicores. */
export function milliQuantityOf(millis: number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return new Quantity(BigInt(millis), -3, format);
}

function read(text: string): Quantity {
  const match = shape.exec(text);
  if (text === '' || !match) throw new QuantityError(formatWrong);
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  const { base, exponent, format } = readSuffix(suffix);
  // Upstream takes no digits for zero, but where the suffix is beyond what its quick way can hold.
  if (whole === '' && fraction === '' && base === 2 && exponent > 40) throw new QuantityError(numberWrong);
  if (whole.length + fraction.length > maxDigits) throw new QuantityError(numberWrong);
  let unscaled = BigInt(`${whole}${fraction}` || '0');
  let scale = -fraction.length;
  if (base === 2) unscaled <<= BigInt(exponent);
  else scale += exponent;
  let result = new Quantity(unscaled, scale, format).roundUp(-9);
  if (format === 'BinarySI') {
    if (result.compare(new Quantity(int64Max, 0, format)) > 0) result = new Quantity(int64Max, 0, format);
    else if (result.unscaled > 0n && result.compare(quantityOf(1)) < 0) result = new Quantity(result.unscaled, result.scale, 'DecimalSI');
  }
  return sign === '-' ? result.negate() : result;
}

function readSuffix(suffix: string): { readonly base: 2 | 10; readonly exponent: number; readonly format: QuantityFormat } {
  const decimal = Object.hasOwn(decimalSuffixes, suffix) ? decimalSuffixes[suffix] : undefined;
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' };
  const binary = Object.hasOwn(binarySuffixes, suffix) ? binarySuffixes[suffix] : undefined;
  if (binary !== undefined) return { base: 2, exponent: binary, format: 'BinarySI' };
  const written = /^[eE]([-+]?[0-9]+)$/.exec(suffix)?.[1];
  const exponent = Number(written);
  if (written === undefined || Math.abs(exponent) > maxExponent) throw new QuantityError(suffixWrong);
  return { base: 10, exponent, format: 'DecimalExponent' };
}
