import { join } from 'node:path';

/** Holds package.json and dist/: two folders above this file, built or not. */
export const PACKAGE_ROOT = join(import.meta.dirname, '../..');
