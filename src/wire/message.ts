import type { Refusal } from './refusal.ts';

/** What an agency says, whatever the dialect. Payloads are views, valid until the decoder gets its next bytes. */
export type ClientMessage =
  /** Who is speaking. */
  | { readonly kind: 'identify'; readonly agency: number }
  /** A single bet (exercise 5). */
  | { readonly kind: 'bet'; readonly payload: Uint8Array }
  /** Bets that are stored all or none (exercise 6). */
  | { readonly kind: 'batch'; readonly payload: Uint8Array }
  /** The agency has sent all its bets (exercise 7). */
  | { readonly kind: 'finish' }
  /** Who won? */
  | { readonly kind: 'ask-winners' };

/** What the central answers. */
export type ServerMessage =
  /** The bets are on disk, or the end of the agency's bets is noted. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The draw has not been held yet. */
  | { readonly kind: 'not-drawn' }
  /** The agency's own winners, in stored order. */
  | { readonly kind: 'winners'; readonly documents: readonly string[] };

/** The same, as an agency hears it: a dialect may tell less than the central knows. */
export type ServerAnswer =
  | Exclude<ServerMessage, { kind: 'refused' }>
  | { readonly kind: 'refused'; readonly refusal?: Refusal };
