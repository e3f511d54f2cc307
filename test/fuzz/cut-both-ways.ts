import { type LineFault, readBatches } from '../../src/agency/batcher.ts';
import { openLineCopier } from '../../src/kernel/open-line-copier.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import type { BatchEncoder, LineCopier, OpenLineCopier } from '../../src/wire/dialect.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';

export interface CutOptions {
  readonly dialect?: 'base' | 'resumable';
  readonly delimiter?: number;
  readonly amountMax?: number;
  readonly payloadBytesMax?: number;
}

/** The result for a file. */
interface Cut {
  readonly batches: readonly {
    readonly firstLine: number;
    readonly count: number;
    readonly frame: string;
  }[];
  readonly faults: readonly LineFault[];
}

/** Number of lines on the fast path, which shows that something was compared. */
export interface BothCuts {
  readonly plain: Cut;
  readonly fast: Cut;
  readonly linesCopied: number;
}

const BETS = new PlainBetReader();
const COMMA = 0x2c;

const opened = openLineCopier();
if (opened === undefined) throw new Error('this machine cannot run the kernel');
const copier: LineCopier = opened;

/** The batches of a file in these chunks, with and without the fast path. */
export async function cutBothWays(
  chunks: readonly Uint8Array[],
  options: CutOptions = {},
): Promise<BothCuts> {
  let linesCopied = 0;
  const counting: LineCopier = {
    load: (chunk, delimiter) => copier.load(chunk, delimiter),
    copy(at, roomBytes, countMax) {
      const copied = copier.copy(at, roomBytes, countMax);
      linesCopied += copied.count;
      return copied;
    },
  };
  const plain = await cut(chunks, options, undefined);
  const fast = await cut(chunks, options, () => counting);
  return { plain, fast, linesCopied };
}

async function cut(
  pieces: readonly Uint8Array[],
  { dialect = 'base', delimiter = COMMA, amountMax = 130, payloadBytesMax }: CutOptions,
  openLines: OpenLineCopier | undefined,
): Promise<Cut> {
  const limits = {
    ...DEFAULT_LIMITS,
    payloadBytesMax: payloadBytesMax ?? DEFAULT_LIMITS.payloadBytesMax,
  };
  const created = { base: createBaseDialect, resumable: createResumableDialect }[dialect](
    BETS,
    openLines,
  );
  const encoder: BatchEncoder = created.agency(limits, 1).batch;
  const source = {
    delimiter,
    // Like a source: overwrites the chunk before the previous one.
    async *chunks(): AsyncGenerator<Uint8Array> {
      let before: Buffer | undefined;
      let last: Buffer | undefined;
      for (const piece of pieces.filter(({ length }) => length > 0)) {
        before?.fill(0x22);
        [before, last] = [last, Buffer.from(piece)];
        yield last;
      }
    },
  };
  const faults: LineFault[] = [];
  const batches = [];
  for await (const { firstLine, count, frame } of readBatches(
    source,
    encoder,
    () => amountMax,
    fault => {
      faults.push(fault);
    },
  ))
    batches.push({ firstLine, count, frame: Buffer.from(frame).toString('latin1') });
  return { batches, faults };
}
