import type { Dialect } from '../../src/wire/dialect.ts';

/** What the suites know of a dialect, and its independent encoders. */

/** A bet with texts or arbitrary bytes. */
export interface RawBet {
  readonly firstName: string | Uint8Array;
  readonly lastName: string | Uint8Array;
  readonly document: string;
  readonly birthdate: string;
  readonly number: string;
}

/** Contradictory bytes. */
export interface Lie {
  readonly what: string;
  readonly bytes: Buffer;
  readonly code: string;
  readonly detail: string;
  /** Answers before the contradiction is detected. */
  readonly before?: Buffer;
  /** Whether the dialect has no answer to the refused message. */
  readonly unanswered?: true;
}

export interface SpokenDialect {
  readonly name: string;
  /** The dialect under test. */
  readonly dialect: Dialect;
  readonly winners: 'asked' | 'sent';
  /**
   * Whether the question for the winners has its own connection, which the central closes after the
   * answer.
   */
  readonly connectionPerQuestion: boolean;
  /** Whether the conversation continues after a refused batch. */
  readonly survivesRefusedBatch: boolean;
  /** Empty where every message names its agency. */
  readonly hello: (agency: number) => Buffer;
  readonly batch: (agency: number, ...bets: readonly RawBet[]) => Buffer;
  readonly allSent: (agency: number) => Buffer;
  readonly question?: (agency: number) => Buffer;
  readonly accepted: (bets: number) => Buffer;
  /** Empty where finishing has no answer. */
  readonly finished: Buffer;
  /** The refusal for a peer that waits for the answer to a batch. */
  readonly refused: (detail: string) => Buffer;
  /** The refusal for an unidentified peer. */
  readonly refusedUnknown: (detail: string) => Buffer;
  readonly notYet: Buffer;
  readonly winnersFrames: (...documents: readonly string[]) => Buffer[];
  /** Largest value of the number's field. */
  readonly numberMax: string;
  /** Whether a document is text, which can be longer than a valid one. */
  readonly documentIsText: boolean;
  /** Contradictory bytes that agency 1 sends between its hello and a batch with `LORCA`. */
  readonly lies: readonly Lie[];
  /** Bytes on the connection of agency 1 that name agency 2; empty where no message can. */
  readonly another: readonly Lie[];
}

export const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
export const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
export const NOTHING = Buffer.alloc(0);

export function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(value);
  return buffer;
}

export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

/** A text after its length. */
export const counted = (length: (value: number) => Buffer, text: string | Uint8Array): Buffer => {
  const content = Buffer.from(text as Uint8Array);
  return Buffer.concat([length(content.length), content]);
};

export const joined = (...parts: readonly (Uint8Array | string)[]): Buffer =>
  Buffer.concat(parts.map(part => Buffer.from(part as Uint8Array)));

/** Replaces bytes. */
export function patched(message: Buffer, at: number, hex: string): Buffer {
  const copy = Buffer.from(message);
  copy.set(bytes(hex), at);
  return copy;
}

export const textsOf = (bet: RawBet): (string | Uint8Array)[] => [
  bet.firstName,
  bet.lastName,
  bet.document,
  bet.birthdate,
  bet.number,
];
