import { ConfigError } from '../config/errors.ts';
import { FolderError } from '../store/store.ts';

export const EXIT = {
  done: 0,
  failed: 1,
  /** Wrong usage or configuration, which a restart does not cure. */
  usage: 2,
} as const;

/** The exit code of a command that ends with an error. */
export function exitCodeOf(error: unknown): number {
  const isConfigured = error instanceof ConfigError || error instanceof FolderError;
  return isConfigured ? EXIT.usage : EXIT.failed;
}
