import { fstatSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface LogSink {
  readonly write: (line: string) => void;
  /** Writes buffered lines. */
  readonly flush: () => void;
  /** Lines dropped since the start. */
  readonly dropped: number;
  /** Called after the next successful write, with the number of dropped lines. */
  onDropped: (lines: number) => void;
  /** Waits for a slow reader, with a limit. */
  close(): Promise<void>;
}

const STDOUT = 1;

/** Buffer time of lines for a file, in milliseconds: a write may wait for the disk. */
const GATHER_MS = 50;

/** Buffered characters. */
const GATHERED_MAX = 64 * 1024;

/** Unread bytes of a pipe; lines beyond are dropped. */
const UNREAD_MAX = 1024 * 1024;

/** Wait for the reader of a pipe at the end of the process, in milliseconds. */
const CLOSE_MS = 1000;
const LOOK_EVERY_MS = 5;

/** Writes text completely or not at all. */
interface Output {
  readonly gatherMs: number;
  readonly unread: number;
  write(text: string): boolean;
}

/**
 * Standard output: buffered, never synced. Non-blocking: lines are dropped and counted when a pipe
 * or the disk is full.
 */
export function openLogSink(): LogSink {
  const output = openOutput();
  let gathered = '';
  let lines = 0;
  let timer: NodeJS.Timeout | undefined;
  let untold = 0;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (lines === 0) return;
    const isWritten = output.write(gathered);
    if (!isWritten) {
      sink.dropped += lines;
      untold += lines;
    }
    [gathered, lines] = ['', 0];
    if (!isWritten || untold === 0) return;
    const lost = untold;
    untold = 0;
    sink.onDropped(lost);
  };
  const sink = {
    dropped: 0,
    onDropped: (_lines: number): void => {},
    write: (line: string): void => {
      gathered += line;
      lines += 1;
      if (gathered.length >= GATHERED_MAX) flush();
      else timer ??= setTimeout(flush, output.gatherMs).unref();
    },
    flush,
    close: async (): Promise<void> => {
      flush();
      const end = performance.now() + CLOSE_MS;
      while (output.unread > 0 && performance.now() < end) await pause(LOOK_EVERY_MS);
    },
  };
  process.once('exit', flush);
  return sink;
}

function openOutput(): Output {
  try {
    const stats = fstatSync(STDOUT);
    return stats.isFIFO() || stats.isSocket()
      ? openPipe()
      : { gatherMs: GATHER_MS, unread: 0, write: writeFile };
  } catch {
    return { gatherMs: GATHER_MS, unread: 0, write: () => false };
  }
}

function writeFile(text: string): boolean {
  try {
    writeFileSync(STDOUT, text);
    return true;
  } catch {
    return false;
  }
}

function openPipe(): Output {
  const pipe = new Socket({ fd: STDOUT, readable: false, writable: true });
  pipe.unref();
  // A closed reader (`loteria server | head`) must not stop the server.
  pipe.on('error', () => {});
  return {
    gatherMs: 0,
    get unread() {
      return pipe.destroyed ? 0 : pipe.writableLength;
    },
    write(text) {
      if (pipe.destroyed || pipe.writableLength > UNREAD_MAX) return false;
      pipe.write(text);
      return true;
    },
  };
}
