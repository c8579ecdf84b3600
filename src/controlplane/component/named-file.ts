/** Reads a file that a flag names. */
import { readFileSync } from 'node:fs';
import { ComponentError } from './errors.ts';

/** @throws ComponentError that names the file */
export function readNamedFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ComponentError(`unable to read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
