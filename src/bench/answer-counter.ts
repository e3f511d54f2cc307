import { BenchError } from './errors.ts';

/** The four bytes of `OK`, the only answer that a measurement goes on with. */
const OK = [0x4f, 0x4b, 0x00, 0x00] as const;

/** Counts the answers `OK` in a stream of bytes in any chunking. */
export class AnswerCounter {
  /** How many bytes of an answer have come. */
  #at = 0;

  /**
   * @returns how many answers the chunk completes
   * @throws BenchError when it holds anything but `OK`
   */
  count(chunk: Uint8Array): number {
    let answers = 0;
    let at = this.#at;
    for (let index = 0; index < chunk.length; index += 1) {
      if (chunk[index] !== OK[at]) throw new BenchError(`the server answered ${nameOf(at, chunk, index)}`);
      at += 1;
      if (at < OK.length) continue;
      at = 0;
      answers += 1;
    }
    this.#at = at;
    return answers;
  }
}

/** The type of the answer of which `at` bytes were as in `OK` and the rest begins at `index`, as far as it has come. */
function nameOf(at: number, chunk: Uint8Array, index: number): string {
  const type = [...OK.slice(0, at), ...chunk.subarray(index, index + OK.length - at)];
  const text = Buffer.from(type).toString('latin1').replace(/\0+$/, '');
  return /^[A-Z]{2,4}$/.test(text) ? text : `0x${Buffer.from(type).toString('hex')}`;
}
