import type { Fact } from '../../../src/lottery/fact.ts';
import {
  decodeRecord,
  encodeLine,
  joinBody,
  type PlacedRecord,
} from '../../../src/store/jetstream/log-record.ts';

/** Records of a log, for tests that have no engine. */

/** A fact as a server hands it over, with rows that need not be any. */
export interface WrittenFact {
  readonly fact: Fact;
  readonly rows: string;
}

/** A batch of one bet of agency 1, or of an upload of its own. */
export function storedOf(rows: string, of: { agency?: number; seq?: number | undefined } = {}): WrittenFact {
  const { agency = 1, seq } = of;
  const place = seq === undefined ? undefined : { upload: 'u', seq };
  return { fact: { kind: 'stored', agency, count: 1, place }, rows };
}

export function finishOf(agency: number): WrittenFact {
  return { fact: { kind: 'finished', agency, upload: undefined }, rows: '' };
}

/** The body of a record's message. */
export function bodyOf(writer: string, n: number, written: readonly WrittenFact[]): Uint8Array {
  const rows = Buffer.from(written.map(({ rows: own }) => own).join(''));
  const facts = written.map(({ fact, rows: own }) => ({ fact, bytes: Buffer.byteLength(own) }));
  return joinBody(encodeLine({ writer, n, facts, rows }), rows);
}

/** A record at a place of the log, as it is read. */
export function placed(
  position: number,
  writer: string,
  n: number,
  written: readonly WrittenFact[],
): PlacedRecord {
  return decodeRecord(position, bodyOf(writer, n, written));
}
