import sonic from 'sonic-boom';

export interface LogSink {
  write(line: string): void;
  /** Writes what is still waiting. */
  flush(): void;
}

/** Characters of lines after which they are written before the turn of the event loop ends. */
const BUFFER_LENGTH = 64 * 1024;

/** Bytes of lines that one write takes. */
const WRITE_BYTES = 128 * 1024;

/**
 * Standard output. Lines of one turn of the event loop leave together, in order and without getting
 * lost when the process ends: the write is synchronous and waits for a slow reader. Nothing is
 * synced: `flushSync` of the library would, which halves the throughput of a server whose log is a
 * file.
 */
export function openLogSink(): LogSink {
  const output = new sonic.SonicBoom({ fd: 1, sync: true, maxWrite: WRITE_BYTES });
  let lines = '';
  let scheduled = false;
  let readerGone = false;
  // The reader of the log may go away (`loteria server | head`): no reason to stop a lottery.
  output.on('error', () => {
    readerGone = true;
  });
  const flush = (): void => {
    scheduled = false;
    const text = lines;
    lines = '';
    if (text !== '' && !readerGone) output.write(text);
  };
  process.once('exit', flush);
  return {
    write(line) {
      lines += line;
      if (lines.length >= BUFFER_LENGTH) flush();
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    },
    flush,
  };
}
