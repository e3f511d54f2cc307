import type { ClientMessage, ServerAnswer } from '../../src/wire/message.ts';
import type { RefusalCode } from '../../src/wire/refusal.ts';

/**
 * The shape of the tables of golden bytes in this folder: the meaning of a message and its bytes,
 * written by hand from the protocol page. No encoder has produced them.
 */

/** A field of a message: its bytes in readable hex, and a note. */
export type Field = readonly [hex: string, says: string];

/** Fields as `hex: note`, with ` · ` between two of a line. */
export const fieldsIn = (...lines: readonly string[]): readonly Field[] =>
  lines
    .flatMap(line => line.split(' · '))
    .map(field => {
      const [hex, ...says] = field.split(': ');
      return [hex!, says.join(': ')];
    });

export interface GoldenBet {
  /** Where the bet itself names its agency. */
  readonly agency?: number;
  readonly firstName: string;
  readonly lastName: string;
  readonly document: string;
  readonly birthdate: string;
  readonly number: string;
}

/** What a message means; a property is missing where the bytes do not express it. */
type Meaning =
  | { readonly kind: 'identify'; readonly agency: number }
  | { readonly kind: 'bet'; readonly bets: readonly GoldenBet[] }
  | { readonly kind: 'batch'; readonly agency?: number; readonly bets: readonly GoldenBet[] }
  | { readonly kind: 'numbered-batch'; readonly seq: number; readonly bets: readonly GoldenBet[] }
  | { readonly kind: 'all-sent'; readonly agency?: number }
  | { readonly kind: 'ask-winners'; readonly agency?: number }
  | Extract<ClientMessage, { kind: 'resume' | 'upload-done' | 'await-winners' | 'dispute-acta' }>
  | { readonly kind: 'accepted'; readonly bets?: number; readonly text?: string }
  | { readonly kind: 'refused'; readonly code?: RefusalCode; readonly texts: readonly string[] }
  | { readonly kind: 'not-drawn'; readonly text?: string }
  | { readonly kind: 'winners'; readonly text?: string; readonly documents: readonly string[] }
  | Extract<ServerAnswer, { kind: 'welcome' | 'batch-refused' | 'acta' | 'still-here' }>;

export interface GoldenMessage {
  readonly name: string;
  readonly from: 'client' | 'server';
  readonly meaning: Meaning;
  readonly fields: readonly Field[];
  /** What the agency decodes, where that is not the meaning. */
  readonly heard?: ServerAnswer;
  /** Other programs send it; ours only decodes it. */
  readonly heardOnly?: true;
}

/** Several messages in the order of a conversation, as a line of the page shows them. */
export type PageLine = readonly [names: readonly string[], hex: string];

export const hexOf = (fields: readonly Field[]): string =>
  fields.map(([hex]) => hex.replaceAll(' ', '')).join('');

export const LORCA: GoldenBet = {
  firstName: 'Santiago Lionel',
  lastName: 'Lorca',
  document: '30904465',
  birthdate: '1999-03-17',
  number: '7574',
};

/** Letters outside ASCII: two bytes each, so that the lengths in bytes and in letters differ. */
export const NANDU: GoldenBet = {
  firstName: 'Íñigo',
  lastName: 'Ñandú',
  document: '24807259',
  birthdate: '2000-02-29',
  number: '42',
};
