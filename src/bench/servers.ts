import { extname, join } from 'node:path';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import type { ServerCommand } from './server-process.ts';

/** As source or built, in the same folder as this file. */
const BASELINE = join(import.meta.dirname, `baseline${extname(import.meta.filename)}`);

export interface OwnServerShape {
  /** `main.js` */
  readonly program: string;
  readonly folder: string;
  readonly connections: number;
  readonly agencies: number;
}

/** As in `./loteria`: size of the young generation in MB. */
const NODE_OPTIONS = ['--max-semi-space-size=4'];

/** Our server as shipped, with a log file. Limits on connections are raised where needed. */
export function ownServer({
  program,
  folder,
  connections,
  agencies,
}: OwnServerShape): ServerCommand {
  // Connections of the warm-up may still be open.
  const perAgency = 2 * Math.ceil(connections / agencies);
  return {
    name: 'loteria',
    program: process.execPath,
    args: () => [...NODE_OPTIONS, program, 'server'],
    environment: port => ({
      SERVER_PORT: String(port),
      SERVER_HOST: '127.0.0.1',
      DATA_DIR: folder,
      NUMBER_AGENCIES: String(agencies),
      CONNECTIONS_MAX: String(Math.max(DEFAULT_LIMITS.connectionsMax, 2 * connections)),
      AGENCY_CONNECTIONS_MAX: String(Math.max(DEFAULT_LIMITS.agencyConnectionsMax, perAgency)),
    }),
    folder,
  };
}

/** A program that only receives, writes and syncs. */
export function baseline(folder: string): ServerCommand {
  return {
    name: 'baseline',
    program: process.execPath,
    args: port => [BASELINE, String(port), join(folder, 'received')],
    environment: () => ({}),
    folder,
  };
}

/** A program that answers and stores nothing: the limit of the load generator. */
export function discard(folder: string): ServerCommand {
  return { ...baseline(folder), name: 'discard', args: port => [BASELINE, String(port)] };
}
