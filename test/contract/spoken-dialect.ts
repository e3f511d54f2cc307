import type { Dialect } from '../../src/wire/dialect.ts';

/** What the suites must know of a dialect, and what its bytes are put together with. */

/** A bet whose texts need not be text. */
export interface RawBet {
  readonly firstName: string | Uint8Array;
  readonly lastName: string | Uint8Array;
  readonly document: string;
  readonly birthdate: string;
  readonly number: string;
}

/** Bytes that contradict themselves. */
export interface Lie {
  readonly what: string;
  readonly bytes: Buffer;
  readonly code: string;
  readonly detail: string;
  /** What is answered before the contradiction is seen. */
  readonly before?: Buffer;
  /** The refusal is not answered, because what is refused never is. */
  readonly unanswered?: true;
}

export interface SpokenDialect {
  readonly name: string;
  /** What is tested. */
  readonly dialect: Dialect;
  readonly winners: 'asked' | 'sent';
  /**
   * Whether the question for the winners has a connection of its own, which the central closes
   * after the answer.
   */
  readonly connectionPerQuestion: boolean;
  /** Whether the conversation goes on behind a batch that was not stored. */
  readonly survivesRefusedBatch: boolean;
  /** Empty where every message says whose it is. */
  readonly hello: (agency: number) => Buffer;
  readonly batch: (agency: number, ...bets: readonly RawBet[]) => Buffer;
  readonly allSent: (agency: number) => Buffer;
  readonly question?: (agency: number) => Buffer;
  readonly accepted: (bets: number) => Buffer;
  /** Empty where the end of the bets is not answered. */
  readonly finished: Buffer;
  /** What is said of a refusal to a peer that waits for the answer to a batch. */
  readonly refused: (detail: string) => Buffer;
  /** The same to one that has not said who it is. */
  readonly refusedUnknown: (detail: string) => Buffer;
  readonly notYet: Buffer;
  readonly winnersFrames: (...documents: readonly string[]) => Buffer[];
  /** The largest number that its field holds. */
  readonly numberMax: string;
  /** Whether a document has more digits than any document, or as many as there is room for. */
  readonly documentIsText: boolean;
  /** What agency 1 says, behind its hello, and in front of a batch with `LORCA`. */
  readonly lies: readonly Lie[];
  /**
   * What the connection of agency 1 says that would speak for agency 2, and what is said about it;
   * not where nothing can.
   */
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

/** A text behind its length. */
export const counted = (length: (value: number) => Buffer, text: string | Uint8Array): Buffer => {
  const content = Buffer.from(text as Uint8Array);
  return Buffer.concat([length(content.length), content]);
};

export const joined = (...parts: readonly (Uint8Array | string)[]): Buffer =>
  Buffer.concat(parts.map(part => Buffer.from(part as Uint8Array)));

/** Bytes with others in their place. */
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
