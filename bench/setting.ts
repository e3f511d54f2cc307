import { join } from 'node:path';
import { type MeasureParts, measureCommand, type Measurement } from '../src/bench/measure.ts';
import type { ServerCommand } from '../src/bench/server-process.ts';
import { baseline, discard, ownServer, type OwnServerShape } from '../src/bench/servers.ts';
import { DIALECTS } from '../src/cli/dialects.ts';
import { DEFAULT_LIMITS } from '../src/wire/limits.ts';

/** The built program, as shipped. */
export const PROGRAM = join(import.meta.dirname, '../dist/cli/main.js');

const PYTHON_SERVER = join(import.meta.dirname, 'peers/python_server.py');

/** Parameters of a measurement. */
export interface Shape {
  readonly server: ServerName;
  readonly connections: number;
  readonly window: number;
  readonly batch: number;
  readonly bets: number;
  readonly warmUp: number;
}

export type ServerName = 'loteria' | 'quiet' | 'baseline' | 'python' | 'discard';

/** Parameters of all measurements. */
export interface Setting {
  /** Number of rounds. */
  readonly rounds: number;
  /** Divisor of all numbers of bets, for a short set. */
  readonly divisor: number;
  readonly stop: AbortSignal;
  /** Reports progress. */
  readonly say: (text: string) => void;
}

const AGENCIES = 5;

/** The same with fewer bets, for a short set. */
export function shorten(shape: Shape, { divisor }: Setting): Shape {
  return {
    ...shape,
    bets: Math.ceil(shape.bets / divisor),
    warmUp: Math.ceil(shape.warmUp / divisor),
  };
}

export function measure({ server, ...load }: Shape, { stop, say }: Setting): Promise<Measurement> {
  const shape = { ...load, agencies: AGENCIES, end: false };
  const parts: MeasureParts = {
    shape,
    codecOf: id => DIALECTS.base().agency(DEFAULT_LIMITS, id),
    stop,
  };
  say(
    `${server}: ${shape.bets} bets, ${shape.connections} × ${shape.window}, batch ${shape.batch}`,
  );
  return measureCommand(folder => commandOf(server, folder, shape.connections), parts);
}

function commandOf(server: ServerName, folder: string, connections: number): ServerCommand {
  switch (server) {
    case 'loteria':
      return ownServer({ program: PROGRAM, folder, connections, agencies: AGENCIES });
    case 'quiet':
      return quietServer({ program: PROGRAM, folder, connections, agencies: AGENCIES });
    case 'baseline':
      return baseline(folder);
    case 'discard':
      return discard(folder);
    case 'python':
      return {
        name: server,
        program: 'python3',
        args: port => [PYTHON_SERVER, String(port), folder],
        environment: () => ({}),
        folder,
      };
  }
}

/** Our server without log lines for bets. */
function quietServer(shape: OwnServerShape): ServerCommand {
  const { environment, ...command } = ownServer(shape);
  return {
    ...command,
    name: 'quiet',
    environment: port => ({ ...environment(port), LOGGING_LEVEL: 'ERROR' }),
  };
}
