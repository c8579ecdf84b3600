/** One measured figure. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it should be, as text such as `≤ 1.0`; undefined where nothing is aimed at. */
  readonly goal?: string;
}

export function formatFigure({ name, value, unit, goal }: Figure): string {
  const shown = value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
  return `${name.padEnd(44)} ${shown.padStart(10)} ${unit}${goal ? `   (goal ${goal})` : ''}`;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** The value below which this share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
