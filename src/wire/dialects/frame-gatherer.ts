import type { FieldRanges } from '../../lottery/bet-rules.ts';
import type { BatchEncoder, UnsendableBet } from '../dialect.ts';
import { PAYLOAD_BYTES_MIN } from '../limits.ts';

/**
 * Gathers bets one after the other behind room for the header of their frame: for dialects whose batches neither count their
 * bets nor put anything between them, and in which a single bet is a batch of one.
 */
export abstract class FrameGatherer implements BatchEncoder {
  count = 0;
  readonly #headerBytes: number;
  readonly #frame: Uint8Array;
  #at: number;

  constructor(headerBytes: number, payloadBytesMax: number) {
    if (payloadBytesMax < PAYLOAD_BYTES_MIN) throw new RangeError('a payload must have room for any one bet');
    this.#headerBytes = headerBytes;
    this.#frame = new Uint8Array(headerBytes + payloadBytesMax);
    this.#at = headerBytes;
  }

  add(bet: FieldRanges): 'added' | 'full' | UnsendableBet {
    const unsendable = this.findUnsendable(bet);
    if (unsendable !== undefined) return unsendable;
    if (this.#at + this.bytesOf(bet) > this.#frame.length) return 'full';
    this.#at = this.put(bet, this.#frame, this.#at);
    this.count += 1;
    return 'added';
  }

  take(): Uint8Array {
    const frame = this.#frame.slice(0, this.#at);
    this.putHeader(frame, frame.length - this.#headerBytes);
    this.count = 0;
    this.#at = this.#headerBytes;
    return frame;
  }

  takeSingle(): Uint8Array {
    return this.take();
  }

  /** The first field that the dialect has no bytes for. */
  protected abstract findUnsendable(bet: FieldRanges): UnsendableBet | undefined;
  /** Bytes that `put` writes. */
  protected abstract bytesOf(bet: FieldRanges): number;
  /** Writes a bet at `at`, where there is room for it; returns the place behind it. */
  protected abstract put(bet: FieldRanges, frame: Uint8Array, at: number): number;
  /** Writes the header at the start of a frame. */
  protected abstract putHeader(frame: Uint8Array, payloadBytes: number): void;
}
