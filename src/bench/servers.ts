import { extname, join } from 'node:path';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import type { ServerCommand } from './server-process.ts';

/** The program beside this file, whether it is the source or what was built of it. */
const BASELINE = join(import.meta.dirname, `baseline${extname(import.meta.filename)}`);

export interface OwnServerShape {
  /** The program's own `main.js`. */
  readonly program: string;
  readonly folder: string;
  readonly connections: number;
  readonly agencies: number;
}

/** As `./loteria` starts Node: the young generation's size in MB. */
const NODE_OPTIONS = ['--max-semi-space-size=4'];

/** Our own server, as it is shipped, its log in a file; only the limits on connections are raised where the measurement asks for more. */
export function ownServer({ program, folder, connections, agencies }: OwnServerShape): ServerCommand {
  // Those of the warm-up may not be gone when the next ones come.
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

/** The same, with a log that says nothing of bets. */
export function quietServer(shape: OwnServerShape): ServerCommand {
  const { environment, ...command } = ownServer(shape);
  return {
    ...command,
    name: 'quiet',
    environment: port => ({ ...environment(port), LOGGING_LEVEL: 'ERROR' }),
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

/** A program that answers and keeps nothing: what the load generator can do at most. */
export function discard(folder: string): ServerCommand {
  return { ...baseline(folder), name: 'discard', args: port => [BASELINE, String(port)] };
}
