import { readFileSync } from 'node:fs';
import { ConfigError } from './errors.ts';

/**
 * The text of a configuration file; empty when it is missing and not `required`.
 *
 * @throws ConfigError when it cannot be read
 */
export function readOptionalFile(path: string, required: boolean): string {
  try {
    // A byte order mark is left by some editors and is no part of the text.
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !required) return '';
    throw new ConfigError(`cannot read ${path} (${code ?? String(error)})`, error);
  }
}
