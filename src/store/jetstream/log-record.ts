import { crc32 } from 'node:zlib';
import type { BatchFault } from '../../lottery/bet-batch.ts';
import type { Fact } from '../../lottery/fact.ts';
import { hex32 } from '../csv/journal-record.ts';

/**
 * A record of the log: facts that one server handed over together, and the rows of their bets. The body of a message:
 *
 *     body = line LF rows
 *     line = JSON {"v":1,"writer":W,"n":N,"crc32":C,"facts":[ fact, … ]}
 *     rows = the rows of the stored facts, in their order, as they are in bets.csv
 *
 *     W = name of the server process that wrote it, other for each start
 *     N = its number among the records of that process: 1, 2, 3, … without gaps
 *     C = CRC-32 of the rows, 8 hex digits
 */
export interface LogRecord {
  readonly writer: string;
  readonly n: number;
  readonly facts: readonly LoggedFact[];
  readonly rows: Uint8Array;
}

/** A fact, and how many bytes of the record's rows belong to it. */
export interface LoggedFact {
  readonly fact: Fact;
  readonly bytes: number;
}

/** A record at its place. */
export interface PlacedRecord extends LogRecord {
  /** Number of the message in the stream, from 1. */
  readonly position: number;
  /** When the engine took it, in milliseconds since 1970; 0 where that is not known. */
  readonly time: number;
  /** The line as it was written. */
  readonly line: string;
}

const FORMAT_VERSION = 1;
const LF = 0x0a;

/** Facts as JSON has them. An array for bets, because there are many. */
type FactJson =
  | readonly [agency: number, count: number, bytes: number, upload?: string, seq?: number]
  | ({ readonly refused: number; readonly upload: string; readonly seq: number } & BatchFault)
  | { readonly finished: number; readonly upload?: string | undefined }
  | {
      readonly drawn: string;
      readonly bets: number;
      readonly bytes: number;
      readonly sha256: string;
      readonly winners: readonly (readonly [agency: number, documents: readonly string[]])[];
    };

interface LineJson {
  readonly v: number;
  readonly writer: string;
  readonly n: number;
  readonly crc32: string;
  readonly facts: readonly FactJson[];
}

/** The line of a record, without its end. */
export function encodeLine({ writer, n, facts, rows }: LogRecord): string {
  const line: LineJson = {
    v: FORMAT_VERSION,
    writer,
    n,
    crc32: hex32(crc32(rows)),
    facts: facts.map(toJson),
  };
  return JSON.stringify(line);
}

export function joinBody(line: string, rows: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${line}\n`), rows]);
}

/** @throws Error with what is wrong: the stream holds something that this program has not written */
export function decodeRecord(position: number, body: Uint8Array, time = 0): PlacedRecord {
  const end = body.indexOf(LF);
  const line = Buffer.from(body.buffer, body.byteOffset, Math.max(0, end)).toString('utf8');
  return decodeParts(position, line, body.subarray(end + 1), time);
}

/** The same for a record whose line and rows lie apart. */
export function decodeParts(position: number, line: string, rows: Uint8Array, time = 0): PlacedRecord {
  let json: LineJson;
  try {
    json = JSON.parse(line) as LineJson;
  } catch (error) {
    throw new Error(`message ${position} is no record of a lottery`, { cause: error });
  }
  if (json.v !== FORMAT_VERSION) {
    throw new Error(`message ${position} has format ${json.v}, written by another version of this program`);
  }
  if (hex32(crc32(rows)) !== json.crc32) {
    throw new Error(`the checksum of the rows of message ${position} does not match`);
  }
  const facts = json.facts.map(fromJson);
  const bytes = facts.reduce((sum, fact) => sum + fact.bytes, 0);
  if (bytes !== rows.length) {
    throw new Error(`message ${position} has ${rows.length} bytes of rows, its facts ${bytes}`);
  }
  return { position, time, line, writer: json.writer, n: json.n, facts, rows };
}

function toJson({ fact, bytes }: LoggedFact): FactJson {
  switch (fact.kind) {
    case 'stored': {
      const { agency, count, place } = fact;
      return place === undefined ? [agency, count, bytes] : [agency, count, bytes, place.upload, place.seq];
    }
    case 'refused':
      return { refused: fact.agency, ...fact.place, ...fact.fault };
    case 'finished':
      return { finished: fact.agency, upload: fact.upload };
    case 'drawn': {
      const { draw, seal } = fact;
      const { time: drawn, bytes: length, sha256 } = seal;
      return { drawn, bets: draw.bets, bytes: length, sha256, winners: [...draw.winners] };
    }
    case 'adopted':
      throw new Error('nothing is adopted by a log');
  }
}

function fromJson(json: FactJson): LoggedFact {
  if (Array.isArray(json)) {
    const [agency, count, bytes, upload, seq] = json as Extract<FactJson, readonly unknown[]>;
    const place = upload === undefined || seq === undefined ? undefined : { upload, seq };
    return { fact: { kind: 'stored', agency, count, place }, bytes };
  }
  const fact = json as Exclude<FactJson, readonly unknown[]>;
  if ('refused' in fact) {
    const { refused: agency, upload, seq, ...fault } = fact;
    return { fact: { kind: 'refused', agency, place: { upload, seq }, fault }, bytes: 0 };
  }
  if ('finished' in fact) {
    return { fact: { kind: 'finished', agency: fact.finished, upload: fact.upload }, bytes: 0 };
  }
  const { drawn: time, bets, bytes, sha256, winners } = fact;
  const draw = { bets, winners: new Map(winners) };
  return { fact: { kind: 'drawn', draw, seal: { bytes, sha256, time } }, bytes: 0 };
}
