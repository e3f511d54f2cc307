import { betWith, textsOf } from '../../lottery/bets.ts';

/** The bytes of the dialect op-codes, built by hand. */

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function strOf(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content as Uint8Array);
  return Buffer.concat([u16(bytes.length), bytes]);
}

/** @param fields four texts and the number */
export function betOf(agency: number, fields: readonly (Uint8Array | string)[]): Buffer {
  const texts = fields.slice(0, 4).map(strOf);
  return Buffer.concat([Uint8Array.of(1, agency), ...texts, u16(Number(fields[4]))]);
}

export const batchOf = (bets: readonly Uint8Array[]): Buffer =>
  Buffer.concat([Uint8Array.of(3), u16(bets.length), ...bets]);

export const answerOf = (code: number, text = ''): Buffer =>
  Buffer.concat([Uint8Array.of(2, code), strOf(text)]);

export const winnersOf = (documents: readonly string[]): Buffer =>
  Buffer.concat([Uint8Array.of(5), u16(documents.length), ...documents.map(strOf)]);

export const hexBytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

export const LORCA = textsOf(betWith());
export const LORCA_OF_1 = betOf(1, LORCA);
