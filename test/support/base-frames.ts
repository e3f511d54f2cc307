/** The answers of the base protocol without payload, as hex. */
export const OK = '4f4b0000';
export const NOK = '4e4f4b00';
export const NEND = '4e454e44';

/** The messages of the base protocol without payload. */
export const END = Buffer.from('454e4400', 'hex');
export const GWIN = Buffer.from('4757494e', 'hex');

/** A type, padded to four bytes, the length of the payload as `u32`, the payload. */
export function frame(type: string, payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header.write(type, 'latin1');
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

export const conn = (id: number | string): Buffer => frame('CONN', String(id));

/** The five fields of a valid bet; it wins when its number is 7574. */
export function bet(document: number | string, number: number | string = 1): string[] {
  return ['Santiago Lionel', 'Lorca', String(document), '1999-03-17', String(number)];
}

/** The row of such a bet in `bets.csv`. */
export function row(
  agency: number,
  document: number | string,
  number: number | string = 1,
): string {
  return `${agency},Santiago Lionel,Lorca,${document},1999-03-17,${number}\r\n`;
}

export function nbet(...bets: readonly (readonly string[])[]): Buffer {
  return frame('NBET', [bets.length, ...bets.flat()].join('|'));
}

/** `RWIN count|dni|dni…` as hex. */
export function rwin(...documents: readonly (number | string)[]): string {
  return frame('RWIN', `${documents.length}|${documents.join('|')}`).toString('hex');
}

export const helo = (agency: number | string, upload = 'u'): Buffer =>
  frame('HELO', `${agency}|${upload}`);

/** The same of an agency that numbers bets, not batches. */
export const heloBets = (agency: number | string, upload = 'u'): Buffer =>
  frame('HELO', `${agency}|${upload}|bets`);

/** What a central with default limits answers, as `Peer.frame` reads it. */
export const welc = (next: number): string => `WELC ${next}|64|8184`;
export const welcBets = (next: number, refused = 0): string => `${welc(next)}|${refused}`;

export function sbet(seq: number | string, ...bets: readonly (readonly string[])[]): Buffer {
  return frame('SBET', [seq, bets.length, ...bets.flat()].join('|'));
}

export const done = (batches: number, bets: number): Buffer => frame('DONE', `${batches}|${bets}`);

export const WAIT = Buffer.from('57414954', 'hex');

/** The same of an agency that has seen so many actas. */
export const actaAfter = (seen: number): Buffer => frame('ACTA', String(seen));

/** The answer to an upload of an agency that has finished. */
export const failFinished = (agency: number): string =>
  `FAIL agency-finished|1|the agency has finished, its bets are closed; until the draw 'loteria agency reopen ${agency} --reason "…"' lets it go on`;

/** The numbers from 0 up to, not including, `length`. */
export const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
