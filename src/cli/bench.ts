import { BenchError } from '../bench/errors.ts';
import {
  type LoadShape,
  type MeasureParts,
  type Measurement,
  measureCommand,
  measureServer,
} from '../bench/measure.ts';
import { ownServer, baseline } from '../bench/servers.ts';
import { ADDRESS_ALLOWED, type HostPort, parseHostPort } from '../config/server-address.ts';
import { ConfigError } from '../config/errors.ts';
import { countOf } from '../run/counts.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { EXIT } from './exit-codes.ts';
import { DIALECTS } from './dialects.ts';
import { complain, say } from './output.ts';
import { abortOnSignal } from './signals.ts';
import { formatMeasurements } from './tables.ts';

export interface BenchOptions extends Omit<LoadShape, 'end'> {
  /** `host:port` of a running server. */
  readonly server?: string;
  readonly end?: boolean;
  readonly json?: boolean;
}

/** `loteria bench` */
export async function bench({ server, json, end = false, ...rest }: BenchOptions): Promise<number> {
  const address = server === undefined ? undefined : parseServer(server);
  const stopping = abortOnSignal();
  const shape: LoadShape = { ...rest, end };
  const parts = {
    shape,
    codecOf: (id: number) => DIALECTS.base().agency(DEFAULT_LIMITS, id),
    stop: stopping.signal,
  };
  try {
    const measurements =
      address === undefined
        ? await measureBesideBaseline(parts)
        : [await measureServer(server!, [address], parts)];
    say(
      json
        ? JSON.stringify({ ...shape, measurements, ratio: ratioOf(measurements) })
        : describe(shape, measurements),
    );
    return EXIT.done;
  } catch (error) {
    if (stopping.signal.aborted) {
      complain('stopped');
      return stopping.exitCode;
    }
    if (!(error instanceof BenchError)) throw error;
    complain(error.message);
    return EXIT.failed;
  } finally {
    stopping.release();
  }
}

function parseServer(text: string): HostPort {
  const address = parseHostPort(text);
  if (address === undefined)
    throw new ConfigError(`--server is '${text}', allowed: ${ADDRESS_ALLOWED}`);
  return address;
}

/** One after the other, because they share the processors. */
async function measureBesideBaseline(parts: MeasureParts): Promise<Measurement[]> {
  const { connections, agencies } = parts.shape;
  const program = process.argv[1]!;
  return [
    await measureCommand(folder => ownServer({ program, folder, connections, agencies }), parts),
    await measureCommand(baseline, parts),
  ];
}

/** Ours to the baseline, if both were measured. */
function ratioOf([ours, reference]: readonly Measurement[]): number | undefined {
  return ours && reference && ours.betsPerSecond / reference.betsPerSecond;
}

function describe(shape: LoadShape, measurements: readonly Measurement[]): string {
  const { connections, window, batch } = shape;
  const ratio = ratioOf(measurements);
  const batches = `${countOf(window, 'batch', 'batches')} of ${countOf(batch, 'bet')}`;
  return [
    `${countOf(connections, 'connection')}, ${batches} in flight on each`,
    '',
    formatMeasurements(measurements, process.stdout.columns),
    ...(ratio === undefined
      ? []
      : ['', `${ratio.toFixed(2)} times a program that only receives, writes and syncs`]),
  ].join('\n');
}
