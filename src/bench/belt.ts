import { makeBet } from '../dataset/generate.ts';
import { SeededRandom } from '../dataset/random.ts';
import { fieldsOf } from '../lottery/bet-rules.ts';
import type { BatchEncoder } from '../wire/dialect.ts';

/** More than branch predictors learn, and few enough for a processor's cache. */
const BELT_BETS = 128 * 130;

/** The same bets in every run, so that figures are comparable. */
const SEED = 7574;

/** A ring of encoded frames. */
export class Belt {
  /** Number of different frames. */
  readonly frames: number;
  readonly #bytes: Uint8Array;
  /** Start of each frame, and end of the last. */
  readonly #offsets: Uint32Array;

  /**
   * @param runFramesMax longest run; the first frames are repeated at the end, so that a run is
   *   contiguous
   */
  constructor(frames: readonly Uint8Array[], runFramesMax: number) {
    const laid = Array.from(
      { length: frames.length + runFramesMax },
      (_, at) => frames[at % frames.length]!,
    );
    this.frames = frames.length;
    this.#bytes = Buffer.concat(laid);
    this.#offsets = new Uint32Array(laid.length + 1);
    for (const [at, { length }] of laid.entries())
      this.#offsets[at + 1] = this.#offsets[at]! + length;
  }

  /** A view of `count` frames from number `from`. */
  run(from: number, count: number): Uint8Array {
    return this.#bytes.subarray(this.#offsets[from], this.#offsets[from + count]);
  }
}

/**
 * Encodes made-up bets.
 *
 * @param betsPerFrame must fit into a frame
 */
export function makeFrames(encoder: BatchEncoder, betsPerFrame: number): Uint8Array[] {
  const random = new SeededRandom(SEED);
  return Array.from({ length: Math.ceil(BELT_BETS / betsPerFrame) }, () => {
    for (let count = 0; count < betsPerFrame; count += 1) {
      const { firstName, lastName, document, birthdate, number } = makeBet(1, random);
      const added = encoder.add(
        fieldsOf([firstName, lastName, document, birthdate, String(number)]),
      );
      if (added !== 'added') throw new RangeError(`${betsPerFrame} bets do not fit into one frame`);
    }
    return encoder.take();
  });
}
