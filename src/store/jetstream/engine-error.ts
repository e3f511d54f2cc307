import { JetStreamApiError } from '@nats-io/jetstream';

/** Code of the engine's API for a message that is not taken because another one has come before it. */
const WRONG_LAST_SEQUENCE = 10_071;

/** The engine did not do what it was asked to; it may later, and what it was given may be stored nevertheless. */
export class EngineError extends Error {
  /** Code of the engine's own answer, where it gave one. */
  readonly code: number | undefined;
  /** Whether the stream does not have any more what it had. */
  readonly isShort: boolean;

  constructor(message: string, details: { cause?: unknown; isShort?: boolean } = {}) {
    const { cause, isShort = false } = details;
    super(message, { cause });
    this.name = 'EngineError';
    this.code = cause instanceof JetStreamApiError ? cause.code : undefined;
    this.isShort = isShort;
  }

  /** What was tried and what came of it, in words. */
  static of(what: string, cause: unknown): EngineError {
    return new EngineError(`${what}, ${reasonOf(cause)}`, { cause });
  }

  /** Somebody else has written to the stream since it was looked at. */
  get isBehind(): boolean {
    return this.code === WRONG_LAST_SEQUENCE;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The library's words for a question that nobody answers.
  if (error.name === 'JetStreamNotEnabled') return 'no node leads it now, or JetStream is not enabled';
  return error.message === 'timeout' ? 'no answer in time' : error.message;
}
