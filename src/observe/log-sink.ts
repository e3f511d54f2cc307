import sonic from 'sonic-boom';

export interface LogSink {
  write(line: string): void;
  /** Writes what is still waiting. */
  flush(): void;
}

/** Bytes of lines after which they are written without waiting for the end of the turn. */
const BUFFER_BYTES = 64 * 1024;

/** Bytes of lines that one write takes. */
const WRITE_BYTES = 128 * 1024;

/**
 * Standard output. Lines of one turn of the event loop leave together, in order and without getting lost when the process
 * ends: it writes synchronously, and waits for a slow reader.
 */
export function openLogSink(): LogSink {
  const output = new sonic.SonicBoom({ fd: 1, sync: true, minLength: BUFFER_BYTES, maxWrite: WRITE_BYTES });
  let scheduled = false;
  let readerGone = false;
  // Whoever read the log may go away (`loteria server | head`): that is no reason to stop a lottery.
  const unlessGone = (act: () => void): void => {
    if (readerGone) return;
    try {
      act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
      readerGone = true;
    }
  };
  output.on('error', () => {
    readerGone = true;
  });
  const flush = (): void => {
    scheduled = false;
    unlessGone(() => output.flushSync());
  };
  process.once('exit', flush);
  return {
    write(line) {
      unlessGone(() => output.write(line));
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    },
    flush,
  };
}
