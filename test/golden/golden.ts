import type { ClientMessage, ServerAnswer } from '../../src/wire/message.ts';
import type { RefusalCode } from '../../src/wire/refusal.ts';

/**
 * The format of the golden tables in this folder: messages and their bytes, written by hand from
 * the protocol page, not by an encoder.
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
  /** Where the bet names its agency. */
  readonly agency?: number;
  readonly firstName: string;
  readonly lastName: string;
  readonly document: string;
  readonly birthdate: string;
  readonly number: string;
}

/** The content of a message; a property is undefined where the bytes do not express it. */
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
  /** The message that the agency decodes, if it differs. */
  readonly heard?: ServerAnswer;
  /** Sent by other programs; ours only decodes it. */
  readonly heardOnly?: true;
}

/** Several messages of a conversation, as in a line of the protocol page. */
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

/** Letters of two bytes, so that lengths in bytes and in letters differ. */
export const NANDU: GoldenBet = {
  firstName: 'Íñigo',
  lastName: 'Ñandú',
  document: '24807259',
  birthdate: '2000-02-29',
  number: '42',
};
