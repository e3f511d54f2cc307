import { readFileSync } from 'node:fs';
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
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !required) return '';
    throw new ConfigError(`cannot read ${path} (${code ?? String(error)})`, error);
  }
}
