import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { BetsDigest } from '../../lottery/acta.ts';
import { AgencyDigests } from '../../lottery/agency-digests.ts';
import { DamageError } from './damage.ts';
import type { ReadableFile } from './files.ts';
import type { Checkpoint } from './journal-record.ts';
import { BETS_FILE } from './store-walk.ts';

/** Bytes between two turns of the event loop: a millisecond where SHA-256 is slow. */
const SLICE_BYTES = 256 * 1024;

/**
 * The SHA-256 of `bets.csv` from its first byte, computed incrementally while the store is idle.
 * Verifies the checkpoints of former processes on its way.
 */
export class RunningDigest {
  /** Bytes digested. */
  offset = 0;
  /** CRC-32 of them. */
  crc32 = 0;
  readonly #file: ReadableFile;
  readonly #checkpoints: Checkpoint[];
  readonly #hash = createHash('sha256');
  readonly #agencies = new AgencyDigests();
  /** Serializes `advance`. */
  #turn: Promise<void> = Promise.resolve();

  constructor(file: ReadableFile, checkpoints: readonly Checkpoint[]) {
    this.#file = file;
    this.#checkpoints = [...checkpoints];
  }

  /** Of the bytes up to `offset`, in hex. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  get digest(): BetsDigest {
    return { bytes: this.offset, sha256: this.sha256, agencies: this.#agencies.sha256s };
  }

  /**
   * Digests up to `end`, or until `mayContinue` returns false.
   *
   * @throws DamageError when the file is not what a checkpoint says
   */
  advance(end: number, mayContinue: () => boolean): Promise<void> {
    this.#turn = this.#turn.then(() => this.#advance(end, mayContinue));
    return this.#turn;
  }

  /** Fulfilled when no read is running. */
  async stopped(): Promise<void> {
    await this.#turn.catch(() => {});
  }

  async #advance(end: number, mayContinue: () => boolean): Promise<void> {
    this.#compare();
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(SLICE_BYTES, end - this.offset)));
    while (this.offset < end && mayContinue()) {
      const next = Math.min(end, this.#checkpoints[0]?.end ?? end);
      const slice = buffer.subarray(0, Math.min(buffer.length, next - this.offset));
      const length = await this.#file.read(slice, this.offset);
      if (length === 0)
        throw new DamageError(BETS_FILE, this.offset, 'the file ends before its last row');
      const bytes = slice.subarray(0, length);
      this.#hash.update(bytes);
      this.#agencies.push(bytes);
      this.crc32 = crc32(bytes, this.crc32);
      this.offset += length;
      this.#compare();
    }
  }

  #compare(): void {
    while (this.#checkpoints[0]?.end === this.offset) {
      const { end, sha256 } = this.#checkpoints.shift()!;
      if (this.sha256 !== sha256) {
        throw new DamageError(
          BETS_FILE,
          0,
          `the SHA-256 of its first ${end} bytes is not that of the checkpoint`,
        );
      }
    }
  }
}
