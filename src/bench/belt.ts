import { makeBet } from '../dataset/generate.ts';
import { SeededRandom } from '../dataset/random.ts';
import { fieldsOf } from '../lottery/bet-rules.ts';
import type { BatchEncoder } from '../wire/dialect.ts';

/** Different bets on a belt: enough that nobody learns them by heart, and not more than a processor's cache holds. */
const BELT_BETS = 128 * 130;

/** The same bets in every run: figures are compared. */
const SEED = 7574;

/** Frames ready to be sent, one behind the other, which are sent round and round. */
export class Belt {
  /** How many different frames there are. */
  readonly frames: number;
  readonly #bytes: Uint8Array;
  /** Where each frame starts, and where the last one ends. */
  readonly #offsets: Uint32Array;

  /**
   * @param frames each is sent in its turn
   * @param runFramesMax the longest run: the beginning is there once more behind the end, so that every run is in one piece
   */
  constructor(frames: readonly Uint8Array[], runFramesMax: number) {
    const laid = Array.from({ length: frames.length + runFramesMax }, (_, at) => frames[at % frames.length]!);
    this.frames = frames.length;
    this.#bytes = Buffer.concat(laid);
    this.#offsets = new Uint32Array(laid.length + 1);
    for (const [at, { length }] of laid.entries()) this.#offsets[at + 1] = this.#offsets[at]! + length;
  }

  /** The bytes of `count` frames from the one with the number `from` on; a view, nothing is copied. */
  run(from: number, count: number): Uint8Array {
    return this.#bytes.subarray(this.#offsets[from], this.#offsets[from + count]);
  }
}

/**
 * Frames of made-up bets.
 *
 * @param betsPerFrame must fit into the encoder's frame
 */
export function makeFrames(encoder: BatchEncoder, betsPerFrame: number): Uint8Array[] {
  const random = new SeededRandom(SEED);
  return Array.from({ length: Math.ceil(BELT_BETS / betsPerFrame) }, () => {
    for (let count = 0; count < betsPerFrame; count += 1) {
      const { firstName, lastName, document, birthdate, number } = makeBet(1, random);
      const added = encoder.add(fieldsOf([firstName, lastName, document, birthdate, String(number)]));
      if (added !== 'added') throw new RangeError(`${betsPerFrame} bets do not fit into one frame`);
    }
    return encoder.take();
  });
}
