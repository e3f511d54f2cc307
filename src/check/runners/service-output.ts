import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { LogLine } from '../runner.ts';

/** Between two samples of what a running process uses; after its end the last one counts. */
export const USAGE_PERIOD_MS = 100;

/** A program that writes without end must not fill the memory. */
const LINES_MAX = 200_000;
const LINE_LENGTH_MAX = 2000;

/** @returns the lines of the streams with their times, to which later ones are added */
export function collectLines(streams: readonly Readable[], now: () => number): readonly LogLine[] {
  const lines: LogLine[] = [];
  for (const stream of streams) {
    createInterface({ input: stream }).on('line', text => {
      if (lines.length >= LINES_MAX) return;
      lines.push({ atMs: now(), text: text.slice(0, LINE_LENGTH_MAX) });
    });
  }
  return lines;
}
