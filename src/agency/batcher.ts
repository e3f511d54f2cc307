import { BET_FIELDS, findFault } from '../lottery/bet-rules.ts';
import type { CsvReader, CsvStep } from '../lottery/csv-reader.ts';
import type { BatchEncoder } from '../wire/dialect.ts';
import type { CsvSource } from './csv-source.ts';

/** A batch, ready to be sent. */
export interface EncodedBatch {
  readonly frame: Uint8Array;
  /** Number of bets. */
  readonly count: number;
  /** Line of the file with the first bet of the batch. */
  readonly firstLine: number;
}

/** A line of the file that is no bet. */
export interface LineFault {
  readonly line: number;
  /** `line` when the line as a whole is at fault. */
  readonly field: string;
  readonly reason: string;
}

/**
 * Cuts the bets of a file into batches of at most `amountMax` bets that fit into one message of the dialect, in the order
 * of the file. What is not a valid bet is told to `refuse` and left out (exercise 6).
 */
export async function* readBatches(
  source: CsvSource,
  encoder: BatchEncoder,
  amountMax: number,
  refuse: (fault: LineFault) => void,
): AsyncGenerator<EncodedBatch> {
  let firstLine = 1;
  for await (const reader of source.records()) {
    for (let step = reader.next(); step === 'record' || step === 'broken'; step = reader.next()) {
      let added = addLine(step, reader, encoder);
      if (added === 'full') {
        yield { count: encoder.count, firstLine, frame: encoder.take() };
        added = addLine(step, reader, encoder);
      }
      if (typeof added === 'object') refuse(added);
      else if (encoder.count === 1) firstLine = reader.line;
      if (encoder.count === amountMax) yield { count: encoder.count, firstLine, frame: encoder.take() };
    }
  }
  if (encoder.count > 0) yield { count: encoder.count, firstLine, frame: encoder.take() };
}

function addLine(step: CsvStep, reader: CsvReader, encoder: BatchEncoder): 'added' | 'full' | LineFault {
  const { line, fieldCount } = reader;
  if (step === 'broken') return { line, field: 'line', reason: 'not-csv' };
  if (fieldCount < BET_FIELDS.length) return { line, field: 'line', reason: 'too-few-fields' };
  if (fieldCount > BET_FIELDS.length) return { line, field: 'line', reason: 'too-many-fields' };
  const fault = findFault(reader);
  if (fault !== undefined) return { line, ...fault };
  const added = encoder.add(reader);
  return typeof added === 'object' ? { line, ...added } : added;
}
