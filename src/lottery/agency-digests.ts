import { createHash, type Hash } from 'node:crypto';

const LF = 0x0a;
const COMMA = 0x2c;
const NO_BYTES = Buffer.alloc(0);

/**
 * The SHA-256 of what `grep '^3,' bets.csv` finds, for each agency: of the lines that begin with
 * its number and a comma, with their line ends, in stored order.
 *
 *     line = agency `,` … LF
 */
export class AgencyDigests {
  readonly #hashes = new Map<number, Hash>();
  /** The beginning of a line. */
  #begun = NO_BYTES;

  /** Takes the next bytes of the file, cut anywhere. */
  push(bytes: Uint8Array): void {
    const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const end = lines.lastIndexOf(LF) + 1;
    let at = 0;
    if (this.#begun.length > 0 && end > 0) {
      at = lines.indexOf(LF) + 1;
      const line = Buffer.concat([this.#begun, lines.subarray(0, at)]);
      this.#begun = NO_BYTES;
      this.#hashRun(line, 0, line.length);
    }
    while (at < end) at = this.#hashRun(lines, at, end);
    if (end < lines.length) this.#begun = Buffer.concat([this.#begun, lines.subarray(end)]);
  }

  /** In hex, of each agency with a line. */
  get sha256s(): ReadonlyMap<number, string> {
    return new Map([...this.#hashes].map(([agency, hash]) => [agency, hash.copy().digest('hex')]));
  }

  /** Digests a run of lines of one agency; returns the place after them. */
  #hashRun(lines: Buffer, start: number, end: number): number {
    const afterAgency = lines.indexOf(COMMA, start) + 1;
    const agency = Number(lines.toString('latin1', start, afterAgency - 1));
    let at = nextLine(lines, start);
    while (at < end && beginsAs(lines, at, start, afterAgency)) at = nextLine(lines, at);
    let hash = this.#hashes.get(agency);
    if (hash === undefined) this.#hashes.set(agency, (hash = createHash('sha256')));
    hash.update(lines.subarray(start, at));
    return at;
  }
}

/** Whether the line at `at` begins with what is between `from` and `to`. */
function beginsAs(lines: Buffer, at: number, from: number, to: number): boolean {
  for (let offset = 0; offset < to - from; offset += 1) {
    if (lines[at + offset] !== lines[from + offset]) return false;
  }
  return true;
}

/** Not `indexOf`: a call takes longer than most rows. */
function nextLine(lines: Buffer, at: number): number {
  let end = at;
  while (lines[end] !== LF) end += 1;
  return end + 1;
}
