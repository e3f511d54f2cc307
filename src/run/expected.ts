import { readBatches } from '../agency/batcher.ts';
import { CsvSource } from '../agency/csv-source.ts';
import { fieldText } from '../lottery/bet-rules.ts';
import { LOTTERY_WINNER_NUMBER } from '../lottery/catedra.ts';
import type { BatchEncoder } from '../wire/dialect.ts';

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
  const source = await CsvSource.open({ path, delimiter: COMMA, encoding: 'utf-8' }, stop);
  const winners: string[] = [];
  let bets = 0;
  let refusedLines = 0;
  try {
    const batches = readBatches(
      source,
      collecting(winners, encoder),
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
  return { bets, refusedLines, winners };
}

/** A dialect's encoder that also collects the winners among the bets that it encodes. */
function collecting(winners: string[], encoder: BatchEncoder): BatchEncoder {
  return {
    get count() {
      return encoder.count;
    },
    add(bet) {
      const added = encoder.add(bet);
      if (added === 'added' && Number(fieldText(bet, 'number')) === LOTTERY_WINNER_NUMBER)
        winners.push(fieldText(bet, 'document'));
      return added;
    },
    take: () => encoder.take(),
  };
}
