import type { LogSink } from '../observe/log-sink.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** The first SIGTERM or SIGINT stops the program gracefully; the second ends it (promise P8). */
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

export interface StopRequest {
  readonly signal: AbortSignal;
  /** Restores the default: a signal ends the process. */
  release(): void;
}

/** Aborts on the first SIGTERM or SIGINT. The second one ends the process. */
export function abortOnSignal(): StopRequest {
  const controller = new AbortController();
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  const onSignal = (): void => {
    release();
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return { signal: controller.signal, release };
}
