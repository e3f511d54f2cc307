import { readFileSync } from 'node:fs';
import { reasonNotCreated, reasonOf } from '../files/system-error.ts';
import { ConfigError } from './errors.ts';

/**
 * The text of a configuration file; empty if it is missing and not `required`.
 *
 * @throws ConfigError if it cannot be read
 */
export function readOptionalFile(path: string, required: boolean): string {
  try {
    // Some editors write a byte order mark.
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !required) return '';
    throw unreadable(path, error);
  }
}

export function unreadable(path: string, error: unknown): ConfigError {
  return new ConfigError(`cannot read ${path}, ${reasonOf(error)}`, error);
}

export function unwritable(path: string, error: unknown): ConfigError {
  return new ConfigError(`cannot write ${path}, ${reasonNotCreated(error)}`, error);
}
