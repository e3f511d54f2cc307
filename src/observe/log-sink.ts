import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface LogSink {
  readonly write: (line: string) => void;
  /** Hands what has gathered to the system. */
  readonly flush: () => void;
  /** Lines dropped since the start. */
  readonly dropped: number;
  /** Called when lines can be written again, with the number dropped since the last call. */
  onDropped: (lines: number) => void;
  /** Waits for a reader that is slow, but not for one that does not read. */
  close(): Promise<void>;
}

const STDOUT = 1;

/** How long lines for a file gather, in milliseconds: a write may wait for the disk. To a pipe they go at once. */
const GATHER_MS = 50;

/** Characters of lines that gather at most. */
const GATHERED_MAX = 64 * 1024;

/** Bytes that wait for the reader of a pipe. Lines beyond are dropped. */
const UNREAD_MAX = 1024 * 1024;

/** How long the end of a process waits for the reader of a pipe, in milliseconds. */
const CLOSE_MS = 1000;
const LOOK_EVERY_MS = 5;

/** Takes text, whole or not at all. */
interface Output {
  readonly gatherMs: number;
  readonly unread: number;
  write(text: string): boolean;
}

/**
 * Standard output: buffered, in order, never synced. Writing does not block: when a pipe is full or a
 * disk has no room, lines are dropped and counted.
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

/** A file takes what it is given without waiting for anybody. */
function writeFile(text: string): boolean {
  try {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) written += writeSync(STDOUT, bytes, written);
    return true;
  } catch {
    return false;
  }
}

function openPipe(): Output {
  const pipe = new Socket({ fd: STDOUT, readable: false, writable: true });
  pipe.unref();
  // The reader may go away (`loteria server | head`): no reason to stop a lottery.
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
