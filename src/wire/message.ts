import type { BatchFault } from '../lottery/bet-batch.ts';
import type { Refusal } from './refusal.ts';

/** The sender, in dialects in which every message names it. */
interface Speaker {
  readonly agency?: number;
}

/**
 * A message of an agency in any dialect. Payloads are views, valid until the decoder's next call.
 */
export type ClientMessage =
  /** Identifies the agency. */
  | { readonly kind: 'identify'; readonly agency: number }
  /**
   * Identifies the agency and the upload that it begins or resumes. With `countsBets` the numbers
   * of `welcome` and `numbered-batch` are those of a bet, else of a batch.
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
  /** A batch of an upload, stored once however often it is sent: `seq` is the idempotency key, the
   * number of the batch or of its first bet. */
  | { readonly kind: 'numbered-batch'; readonly seq: number; readonly payload: Uint8Array }
  /** What the agency counts as stored of the upload. */
  | { readonly kind: 'upload-done'; readonly batches: number; readonly bets: number }
  /** The agency has sent all its bets (exercise 7). */
  | ({ readonly kind: 'finish' } & Speaker)
  /** The question for the winners. */
  | ({ readonly kind: 'ask-winners' } & Speaker)
  /**
   * The same, answered after the draw; with `acta`, answered by the acta de cierre when there is
   * one with a higher number.
   */
  | { readonly kind: 'await-winners'; readonly acta?: number | undefined }
  /** The acta does not match what the agency has sent: its bets, and the SHA-256 of their rows. */
  | {
      readonly kind: 'dispute-acta';
      readonly acta: number;
      readonly bets: number;
      readonly sha256: string;
    };

/** A message that carries bets. */
export type BetsMessage = ClientMessage & { readonly payload: Uint8Array };

/** An answer of the central. */
export type ServerMessage =
  /** The bets are durable, or the end of the agency's bets is. */
  | { readonly kind: 'accepted'; readonly bets?: number }
  /** The central closes the connection. */
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Nothing of the batch was stored; the connection survives. */
  | { readonly kind: 'bets-refused'; readonly refusal: Refusal }
  /** Nothing of the batch was stored and its number is used up; the upload continues. */
  | { readonly kind: 'batch-refused'; readonly seq: number; readonly fault: BatchFault }
  /** Where the upload resumes. */
  | Welcome
  /** The draw has not been held yet. */
  | { readonly kind: 'not-drawn' }
  /** The agency's own winners, in stored order. */
  | { readonly kind: 'winners'; readonly documents: readonly string[] }
  /** The acta de cierre, and the number of uploads with the agency's bets in it. */
  | {
      readonly kind: 'acta';
      readonly number: number;
      readonly uploads: number;
      readonly text: string;
    }
  /** Keep-alive while an answer is outstanding. */
  | { readonly kind: 'still-here' };

export interface Welcome {
  readonly kind: 'welcome';
  /** The expected batch or bet: every one below it has a durable outcome. */
  readonly next: number;
  /** Bets below `next` that were refused; only where bets are counted. */
  readonly refusedBets?: number | undefined;
  /** Batches that may be unanswered. */
  readonly window: number;
  /** Longest payload of a message, in bytes. */
  readonly payloadBytesMax: number;
}

/** An answer as an agency decodes it: a dialect may carry less than the central knows. */
export type ServerAnswer =
  | Exclude<ServerMessage, { kind: 'refused' | 'batch-refused' }>
  | { readonly kind: 'refused'; readonly refusal?: Refusal }
  | {
      readonly kind: 'batch-refused';
      readonly seq: number;
      readonly fault: Omit<BatchFault, 'count'>;
    };
