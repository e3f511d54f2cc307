import type { BatchFault } from '../lottery/bet-batch.ts';
import type { Refusal } from './refusal.ts';

/** Who is speaking, in dialects in which each message says so. */
interface Speaker {
  readonly agency?: number;
}

/** What an agency says, whatever the dialect. Payloads are views, valid until the decoder's next call. */
export type ClientMessage =
  /** Who is speaking. */
  | { readonly kind: 'identify'; readonly agency: number }
  /**
   * Who is speaking, and which upload it comes to begin or to go on with. With `countsBets` the numbers of `welcome` and
   * `numbered-batch` are those of a bet, else of a batch.
   */
  | {
      readonly kind: 'resume';
      readonly agency: number;
      readonly upload: string;
      readonly countsBets: boolean;
    }
  /** A single bet (exercise 5). */
  | { readonly kind: 'bet'; readonly payload: Uint8Array }
  /** Bets that are stored all or none (exercise 6). */
  | ({ readonly kind: 'batch'; readonly payload: Uint8Array } & Speaker)
  /** A batch without a bet, which is acknowledged. */
  | ({ readonly kind: 'empty-batch' } & Speaker)
  /** The same as part of an upload, where it is stored once however often it is sent. `seq` is its number, or that of its first bet. */
  | { readonly kind: 'numbered-batch'; readonly seq: number; readonly payload: Uint8Array }
  /** How much of the upload the agency counts as stored. */
  | { readonly kind: 'upload-done'; readonly batches: number; readonly bets: number }
  /** The agency has sent all its bets (exercise 7). */
  | ({ readonly kind: 'finish' } & Speaker)
  /** Who won? */
  | ({ readonly kind: 'ask-winners' } & Speaker)
  /**
   * The same, to be answered when the draw has been held; with `acta`, or by the acta de cierre when there is one with a higher
   * number.
   */
  | { readonly kind: 'await-winners'; readonly acta?: number | undefined }
  /** The acta is not of what the agency has sent: so many bets, with this SHA-256 of its rows. */
  | { readonly kind: 'dispute-acta'; readonly acta: number; readonly bets: number; readonly sha256: string };

/** A message that carries bets. */
export type BetsMessage = ClientMessage & { readonly payload: Uint8Array };

/** What the central answers. */
export type ServerMessage =
  /** The bets, so many, are on disk, or the end of the agency's bets is noted. */
  | { readonly kind: 'accepted'; readonly bets?: number }
  /** The central closes the connection. */
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Nothing of the batch was stored; the conversation goes on, without it. */
  | { readonly kind: 'bets-refused'; readonly refusal: Refusal }
  /** Nothing of the batch was stored and its number is used up; the upload goes on. */
  | { readonly kind: 'batch-refused'; readonly seq: number; readonly fault: BatchFault }
  /** Where the upload goes on. */
  | Welcome
  /** The draw has not been held yet. */
  | { readonly kind: 'not-drawn' }
  /** The agency's own winners, in stored order. */
  | { readonly kind: 'winners'; readonly documents: readonly string[] }
  /** The acta de cierre, and in how many uploads the agency has sent what it says of it. */
  | { readonly kind: 'acta'; readonly number: number; readonly uploads: number; readonly text: string }
  /** No answer: while one is waited for, a sign that the central is there. */
  | { readonly kind: 'still-here' };

export interface Welcome {
  readonly kind: 'welcome';
  /** Number of the batch, or of the bet, that is expected: every one below has a durable outcome. */
  readonly next: number;
  /** Bets below `next` that were refused; only where bets are counted. */
  readonly refusedBets?: number | undefined;
  /** Batches that may be unanswered. */
  readonly window: number;
  /** Longest payload of a message, in bytes. */
  readonly payloadBytesMax: number;
}

/** The same, as an agency hears it: a dialect may tell less than the central knows. */
export type ServerAnswer =
  | Exclude<ServerMessage, { kind: 'refused' | 'batch-refused' }>
  | { readonly kind: 'refused'; readonly refusal?: Refusal }
  | { readonly kind: 'batch-refused'; readonly seq: number; readonly fault: Omit<BatchFault, 'count'> };
