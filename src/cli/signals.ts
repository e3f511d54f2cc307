import { constants } from 'node:os';
import type { LogSink } from '../observe/log-sink.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** The exit code of a program that a signal ended, as a shell reports it: 130 for SIGINT. */
function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** The first SIGTERM or SIGINT stops the program gracefully; the second ends it (promise P8). */
export function onStopSignal(sink: LogSink, stop: (signal: string) => void): void {
  let asked = false;
  const handle = (signal: NodeJS.Signals): void => {
    if (asked) {
      sink.flush();
      // `process.exit` waits for Node's threads, and a device or a name server may block one.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
      // Reached as process 1 of a container: it ignores signals without a handler.
      process.exit(exitCodeOfSignal(signal));
    }
    asked = true;
    stop(signal);
  };
  for (const signal of SIGNALS) process.on(signal, handle);
}

export interface StopRequest {
  readonly signal: AbortSignal;
  /** The exit code of a program that the request ends. */
  readonly exitCode: number;
  /** Restores the default: a signal ends the process. */
  release(): void;
}

/**
 * Aborts on the first SIGTERM or SIGINT, and when standard output cannot be written, for which
 * `runProgram` has the exit code. The second signal ends the process.
 */
export function abortOnSignal(): StopRequest {
  const controller = new AbortController();
  const abort = (): void => {
    release();
    controller.abort();
  };
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.stdout.off('error', abort);
  };
  let exitCode = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    exitCode = exitCodeOfSignal(signal);
    abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.stdout.on('error', abort);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    release,
  };
}
