import { readBatches } from '../agency/batcher.ts';
import { CsvSource } from '../agency/csv-source.ts';
import { BET_FIELDS, type FieldRanges } from '../lottery/bet-rules.ts';
import { LOTTERY_WINNER_NUMBER } from '../lottery/catedra.ts';
import type { BatchEncoder } from '../wire/dialect.ts';

/** What a lottery over a file must come to, counted without any server. */
export interface Expected {
  /** Valid bets. */
  readonly bets: number;
  readonly refusedLines: number;
  /** Documents of the winners in the order of the file. */
  readonly winners: readonly string[];
}

/** Reads an agency's file as its client will, and finds the winners in it. */
export async function expectedOf(path: string): Promise<Expected> {
  const source = await CsvSource.open(path, 0x2c);
  const counter = new WinnerCounter();
  let bets = 0;
  let refusedLines = 0;
  try {
    const batches = readBatches(source, counter, Number.MAX_SAFE_INTEGER, () => {
      refusedLines += 1;
    });
    for await (const { count } of batches) bets += count;
  } finally {
    await source.close();
  }
  return { bets, refusedLines, winners: counter.winners };
}

/** Takes the place of a dialect's encoder and only looks at the numbers. */
class WinnerCounter implements BatchEncoder {
  count = 0;
  readonly winners: string[] = [];

  add({ bytes, starts, ends }: FieldRanges): 'added' {
    this.count += 1;
    const field = (name: (typeof BET_FIELDS)[number]): string => {
      const index = BET_FIELDS.indexOf(name);
      return Buffer.from(bytes.subarray(starts[index], ends[index])).toString('latin1');
    };
    if (Number(field('number')) === LOTTERY_WINNER_NUMBER) this.winners.push(field('document'));
    return 'added';
  }

  take(): Uint8Array {
    this.count = 0;
    return new Uint8Array(0);
  }

  takeSingle(): Uint8Array {
    return this.take();
  }
}
