import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { LogLine } from '../runner.ts';

/** Sampling period of a process's usage; after its end the last sample counts. */
export const USAGE_PERIOD_MS = 100;

/** Limits of a program's output in memory. */
const LINES_MAX = 200_000;
const LINE_LENGTH_MAX = 2000;

/** @returns the timed lines of the streams; grows */
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
