import { fieldsIn, type GoldenMessage, LORCA, NANDU, type PageLine } from './golden.ts';

/**
 * The bytes of the dialect csv-frames. Everything is text: a length of 4 digits, then `30` for data
 * or `31` for the end. A refusal is a closed connection.
 */

const FROM_CLIENT: readonly GoldenMessage[] = [
  {
    name: 'agency id',
    from: 'client',
    meaning: { kind: 'identify', agency: 1 },
    fields: fieldsIn('30303031: 0001: 1 byte · 30: 0: data · 31: agency 1'),
  },
  {
    name: 'agency id of two digits',
    from: 'client',
    meaning: { kind: 'identify', agency: 12 },
    fields: fieldsIn('30303032: 0002: 2 bytes · 30: 0: data · 3132: agency 12'),
  },
  {
    name: 'batch',
    from: 'client',
    meaning: { kind: 'batch', bets: [LORCA] },
    fields: fieldsIn(
      '30303437: 0047: 47 bytes · 30: 0: data',
      '53616e746961676f 20 4c696f6e656c: Santiago Lionel · 2c: , · 4c6f726361: Lorca · 2c: ,',
      '3330393034343635: 30904465 · 2c: , · 31393939 2d 3033 2d 3137: 1999-03-17 · 2c: ,',
      '37353734: 7574 · 2f: / also behind the last line',
    ),
  },
  {
    name: 'batch of two',
    from: 'client',
    meaning: { kind: 'batch', bets: [LORCA, NANDU] },
    fields: fieldsIn(
      '30303836: 0086: 86 bytes, 82 letters · 30: 0: data',
      '53616e746961676f 20 4c696f6e656c: Santiago Lionel · 2c: , · 4c6f726361: Lorca · 2c: ,',
      '3330393034343635: 30904465 · 2c: , · 31393939 2d 3033 2d 3137: 1999-03-17 · 2c: ,',
      '37353734: 7574 · 2f: / · c38d c3b1 69 67 6f: Íñigo: 7 bytes · 2c: ,',
      'c391 61 6e 64 c3ba: Ñandú: 7 bytes · 2c: , · 3234383037323539: 24807259 · 2c: ,',
      '32303030 2d 3032 2d 3239: 2000-02-29 · 2c: , · 3432: 42 · 2f: /',
    ),
  },
  {
    name: 'end of bets',
    from: 'client',
    meaning: { kind: 'all-sent' },
    fields: fieldsIn('30303030: 0000: no payload · 31: 1: end'),
  },
];

const FROM_SERVER: readonly GoldenMessage[] = [
  {
    name: 'acknowledgement',
    from: 'server',
    meaning: { kind: 'accepted' },
    fields: fieldsIn('30303033: 0003: 3 bytes · 30: 0: data · 41434b: ACK'),
  },
  {
    name: 'two winners',
    from: 'server',
    meaning: { kind: 'winners', documents: ['30904465', '30876370'] },
    fields: fieldsIn(
      '30303038: 0008: 8 bytes · 30: 0: data · 3330393034343635: 30904465',
      '30303038: 0008: 8 bytes · 30: 0: data · 3330383736333730: 30876370',
      '30303030: 0000: no payload · 31: 1: end',
    ),
  },
  {
    name: 'one winner',
    from: 'server',
    meaning: { kind: 'winners', documents: ['30904465'] },
    fields: fieldsIn(
      '30303038: 0008: 8 bytes · 30: 0: data · 3330393034343635: 30904465',
      '30303030: 0000: no payload · 31: 1: end',
    ),
  },
  {
    name: 'one winner, of a short document',
    from: 'server',
    meaning: { kind: 'winners', documents: ['007'] },
    fields: fieldsIn(
      '30303033: 0003: 3 bytes · 30: 0: data · 303037: 007: a document is text',
      '30303030: 0000: no payload · 31: 1: end',
    ),
  },
  {
    name: 'no winners',
    from: 'server',
    meaning: { kind: 'winners', documents: [] },
    fields: fieldsIn('30303030: 0000: no payload · 31: 1: end'),
  },
];

export const CSV_FRAMES: readonly GoldenMessage[] = [...FROM_CLIENT, ...FROM_SERVER];

const asHex = (text: string): string => Buffer.from(text, 'ascii').toString('hex');

/** Examples of the protocol page. */
export const CSV_FRAMES_PAGE: readonly PageLine[] = [
  [['agency id'], asHex('000101')],
  [['batch'], asHex('00470Santiago Lionel,Lorca,30904465,1999-03-17,7574/')],
  [['acknowledgement'], asHex('00030ACK')],
  [['end of bets'], asHex('00001')],
  [['one winner'], asHex('000803090446500001')],
  [['no winners'], asHex('00001')],
];
