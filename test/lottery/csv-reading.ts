import { expect } from 'vitest';
import { CsvReader } from '../../src/lottery/csv-reader.ts';

/** A record: the line on which it starts, and its fields, or undefined if it is malformed. */
export type Read = [line: number, fields: string[] | undefined];

export interface Options {
  readonly delimiter?: string;
  readonly recordBytesMax?: number;
}

/**
 * Reads a stream in the given pieces. Overwrites each piece as soon as the reader must not use it
 * any more.
 */
export function readPieces(
  pieces: readonly Uint8Array[],
  { delimiter = ',', recordBytesMax = 1e6 }: Options = {},
): Read[] {
  const reader = new CsvReader({ delimiter: delimiter.charCodeAt(0), recordBytesMax });
  const found: Read[] = [];
  let given: Uint8Array | undefined;
  for (const piece of pieces) {
    const chunk = Uint8Array.from(piece);
    reader.push(chunk);
    given?.fill(0x23);
    given = chunk;
    expect(drain(reader, found)).toBe('more');
  }
  reader.end();
  expect(drain(reader, found)).toBe('done');
  expect(reader.next()).toBe('done');
  return found;
}

/** Reads all complete records. @returns the last step */
export function drain(reader: CsvReader, found: Read[]): string {
  for (;;) {
    const step = reader.next();
    if (step !== 'record' && step !== 'broken') return step;
    found.push([reader.line, step === 'record' ? fieldsOf(reader) : undefined]);
  }
}

export function fieldsOf({ bytes, starts, ends, fieldCount }: CsvReader): string[] {
  return Array.from({ length: fieldCount }, (_, index) =>
    Buffer.from(bytes.subarray(starts[index], ends[index])).toString(),
  );
}
