/** Answers of the base protocol without payload, as hex. */
export const OK = '4f4b0000';
export const NOK = '4e4f4b00';
export const NEND = '4e454e44';

/** Messages of the base protocol without payload. */
export const END = Buffer.from('454e4400', 'hex');
export const GWIN = Buffer.from('4757494e', 'hex');

/** Encodes a type padded to four bytes, the payload's length as `u32`, and the payload. */
export function frame(type: string, payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header.write(type, 'latin1');
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

export const conn = (id: number | string): Buffer => frame('CONN', String(id));

/** The five fields of a valid bet. Number 7574 wins. */
export function bet(document: number | string, number: number | string = 1): string[] {
  return ['Santiago Lionel', 'Lorca', String(document), '1999-03-17', String(number)];
}

/** Its row in `bets.csv`. */
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

/** For an agency that numbers bets instead of batches. */
export const heloBets = (agency: number | string, upload = 'u'): Buffer =>
  frame('HELO', `${agency}|${upload}|bets`);

/** The reply of a central with default limits, in the format of `Peer.frame`. */
export const welc = (next: number): string => `WELC ${next}|64|8184`;
export const welcBets = (next: number, refused = 0): string => `${welc(next)}|${refused}`;

export function sbet(seq: number | string, ...bets: readonly (readonly string[])[]): Buffer {
  return frame('SBET', [seq, bets.length, ...bets.flat()].join('|'));
}

export const done = (batches: number, bets: number): Buffer => frame('DONE', `${batches}|${bets}`);

export const WAIT = Buffer.from('57414954', 'hex');

/** For an agency that has received this many actas. */
export const actaAfter = (seen: number): Buffer => frame('ACTA', String(seen));

/** The reply to a finished agency's upload. */
export const failFinished = (agency: number): string =>
  `FAIL agency-finished|1|the agency has finished, its bets are closed; until the draw 'loteria agency reopen ${agency} --reason "…"' lets it go on`;

/** 0 to `length` − 1. */
export const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
