import { readBatches } from '../agency/batcher.ts';
import { CsvSource } from '../agency/csv-source.ts';
import { type FieldRanges, fieldText } from '../lottery/bet-rules.ts';
import { LOTTERY_WINNER_NUMBER } from '../lottery/catedra.ts';
import type { BatchEncoder, UnsendableBet } from '../wire/dialect.ts';

const COMMA = 0x2c;

/** The correct result of a lottery over a file, computed without a server. */
export interface Expected {
  /** Valid bets. */
  readonly bets: number;
  readonly refusedLines: number;
  /** Documents of the winners in the order of the file. */
  readonly winners: readonly string[];
}

/**
 * Reads an agency's file like its client, and finds the winners.
 *
 * @param encoder of the client's dialect, because not every dialect can send every bet
 * @param onRead called with the number of bytes read so far
 * @throws the reason of `stop`
 */
export async function expectedOf(
  path: string,
  encoder: BatchEncoder,
  stop: AbortSignal,
  onRead: (bytes: number) => void = () => {},
): Promise<Expected> {
  const source = await CsvSource.open({ path, delimiter: COMMA, encoding: 'utf-8' });
  const counter = new WinnerCounter(encoder);
  let bets = 0;
  let refusedLines = 0;
  try {
    const batches = readBatches(
      source,
      counter,
      () => Number.MAX_SAFE_INTEGER,
      ({ lines, isHeading }) => {
        if (!isHeading) refusedLines += lines;
      },
    );
    for await (const { count } of batches) {
      stop.throwIfAborted();
      bets += count;
      onRead(source.bytesRead);
    }
  } finally {
    await source.close();
  }
  return { bets, refusedLines, winners: counter.winners };
}

/** A dialect's encoder that collects the winners among the bets that it encodes. */
class WinnerCounter implements BatchEncoder {
  readonly winners: string[] = [];
  readonly #encoder: BatchEncoder;

  constructor(encoder: BatchEncoder) {
    this.#encoder = encoder;
  }

  get count(): number {
    return this.#encoder.count;
  }

  add(bet: FieldRanges): 'added' | 'full' | UnsendableBet {
    const added = this.#encoder.add(bet);
    if (added === 'added' && Number(fieldText(bet, 'number')) === LOTTERY_WINNER_NUMBER) {
      this.winners.push(fieldText(bet, 'document'));
    }
    return added;
  }

  take(): Uint8Array {
    return this.#encoder.take();
  }

  takeSingle(): Uint8Array {
    return this.#encoder.takeSingle();
  }
}
