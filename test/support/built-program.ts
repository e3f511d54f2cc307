import { join } from 'node:path';

/** The built program. */
export const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');
