import { BenchError } from './errors.ts';

/** Any other answer ends a measurement. */
const OK = [0x4f, 0x4b, 0x00, 0x00] as const;

/** Counts the answers `OK` in a stream, in any chunking. */
export class AnswerCounter {
  /** Bytes of the current answer so far. */
  #at = 0;

  /**
   * @returns the number of answers that the chunk completes
   * @throws BenchError on any other answer
   */
  count(chunk: Uint8Array): number {
    let answers = 0;
    let at = this.#at;
    for (let index = 0; index < chunk.length; index += 1) {
      if (chunk[index] !== OK[at])
        throw new BenchError(`the server answered ${nameOf(at, chunk, index)}`);
      at += 1;
      if (at < OK.length) continue;
      at = 0;
      answers += 1;
    }
    this.#at = at;
    return answers;
  }
}

/** The received part of an answer type: `at` bytes of `OK`, the rest from `index`. */
function nameOf(at: number, chunk: Uint8Array, index: number): string {
  const type = [...OK.slice(0, at), ...chunk.subarray(index, index + OK.length - at)];
  const text = Buffer.from(type).toString('latin1').replace(/\0+$/, '');
  return /^[A-Z]{2,4}$/.test(text) ? text : `0x${Buffer.from(type).toString('hex')}`;
}
