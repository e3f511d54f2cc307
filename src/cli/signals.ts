import type { LogSink } from '../observe/log-sink.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** The first SIGTERM or SIGINT asks the program to stop; the second ends it at once (promise P8). */
export function onStopSignal(sink: LogSink, stop: (signal: string) => void): void {
  let asked = false;
  const handle = (signal: string): void => {
    if (asked) {
      sink.flush();
      process.exit(1);
    }
    asked = true;
    stop(signal);
  };
  for (const signal of SIGNALS) process.on(signal, handle);
}
