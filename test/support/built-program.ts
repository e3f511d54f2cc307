import { join } from 'node:path';

/** The built program, as `make build` leaves it. */
export const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');
