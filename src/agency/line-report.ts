import type { AgencyEvent, Emit } from '../observe/events.ts';
import type { FieldFault, LineFault } from './batcher.ts';
import { CauseGuesses } from './fault-causes.ts';

/** Faults that are listed of a kind; further ones are counted. */
const LISTED_MAX = 20;

const LINE_ENDS = [0x0a, 0x0d];
const LINE_END = Buffer.from('\n');

interface ListedFault extends FieldFault {
  readonly line: number;
  /** Where the record spans several lines. */
  readonly lastLine: number | undefined;
}

/** Collects the lines of a file that are no bets, and reports them together. */
export class LineReport {
  /** Lines that are no bets. */
  count = 0;
  /** The refused records, unchanged, in UTF-8, each with a line end; empty unless they are kept. */
  readonly records: Buffer[] = [];
  readonly #keepsRecords: boolean;
  #hasHeading = false;
  readonly #kinds = new Map<string, { readonly listed: ListedFault[]; count: number }>();
  readonly #causes = new CauseGuesses();

  constructor(keepsRecords: boolean) {
    this.#keepsRecords = keepsRecords;
  }

  readonly add = ({ line, lines, faults, raw, isHeading }: LineFault): void => {
    if (isHeading) {
      this.#hasHeading = true;
      return;
    }
    this.count += lines;
    if (this.#keepsRecords)
      this.records.push(raw, ...(LINE_ENDS.includes(raw.at(-1)!) ? [] : [LINE_END]));
    for (const fault of faults) {
      const name = `${fault.field} ${fault.reason}`;
      const kind = this.#kinds.get(name) ?? { listed: [], count: 0 };
      this.#kinds.set(name, kind);
      kind.count += 1;
      const lastLine = lines > 1 ? line + lines - 1 : undefined;
      if (kind.count <= LISTED_MAX) kind.listed.push({ ...fault, line, lastLine });
      this.#causes.add(fault, { line, raw });
    }
  };

  emitTo(emit: Emit<AgencyEvent>, file: string): void {
    if (this.#hasHeading) emit({ event: 'heading-skipped', file });
    for (const { listed, count } of this.#kinds.values()) {
      for (const fault of listed) emit({ event: 'line-refused', file, ...fault });
      const { field, reason } = listed[0]!;
      const more = count - listed.length;
      if (more > 0) emit({ event: 'more-refused', file, field, reason, count: more });
    }
    for (const guess of this.#causes.hintsFor(file))
      emit({ event: 'cause-guessed', file, ...guess });
  }
}
