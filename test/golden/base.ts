import {
  type Field,
  fieldsIn,
  type GoldenBet,
  type GoldenMessage,
  LORCA,
  type PageLine,
} from './golden.ts';

/** The bytes of the base protocol (protocol page, section 1). */

/** The fields of a bet, with the separator between them. */
export const LORCA_FIELDS: readonly Field[] = fieldsIn(
  '53616e746961676f204c696f6e656c: Santiago Lionel · 7c: | · 4c6f726361: Lorca · 7c: |',
  '3330393034343635: 30904465 · 7c: | · 313939392d30332d3137: 1999-03-17 · 7c: |',
  '37353734: 7574',
);

/** Two bets whose bytes are easily confused: letters outside ASCII, quotes, zeros. */
export const TRICKY_FIELDS: readonly Field[] = fieldsIn(
  'c38d c3b1 69676f: Íñigo: two bytes for each of its first two letters · 7c: |',
  '5061 22 2c 20 7a: Pa", z: CSV means nothing here · 7c: | · 303037: 007: a document is text',
  '7c: | · 323030302d30322d3239: 2000-02-29 · 7c: | · 303432: 042',
  '7c: | also between two bets · 416e61: Ana · 7c: | · f09f9880: 😀 · 7c: | · 39: 9 · 7c: |',
  '303030312d30312d3031: 0001-01-01 · 7c: | · 30: 0',
);

export const TRICKY: readonly GoldenBet[] = [
  {
    firstName: 'Íñigo',
    lastName: 'Pa", z',
    document: '007',
    birthdate: '2000-02-29',
    number: '042',
  },
  { firstName: 'Ana', lastName: '😀', document: '9', birthdate: '0001-01-01', number: '0' },
];

export const BASE: readonly GoldenMessage[] = [
  {
    name: 'CONN',
    from: 'client',
    meaning: { kind: 'identify', agency: 1 },
    fields: fieldsIn('434f4e4e: CONN · 00000001: 1 byte · 31: 1'),
  },
  {
    name: 'CONN of the largest agency',
    from: 'client',
    meaning: { kind: 'identify', agency: 65_535 },
    fields: fieldsIn('434f4e4e: CONN · 00000005: 5 bytes · 3635353335: 65535'),
  },
  {
    name: 'BET',
    from: 'client',
    meaning: { kind: 'bet', bets: [LORCA] },
    fields: [['42455400', 'BET, padded'], ['0000002e', '46 bytes'], ...LORCA_FIELDS],
  },
  {
    name: 'NBET',
    from: 'client',
    meaning: { kind: 'batch', bets: [LORCA] },
    fields: [
      ...fieldsIn('4e424554: NBET · 00000030: 48 bytes · 31: 1 bet · 7c: |'),
      ...LORCA_FIELDS,
    ],
  },
  {
    name: 'NBET of two bets',
    from: 'client',
    meaning: { kind: 'batch', bets: TRICKY },
    fields: [
      ...fieldsIn('4e424554: NBET · 0000003b: 59 bytes · 32: 2 bets · 7c: |'),
      ...TRICKY_FIELDS,
    ],
  },
  {
    name: 'NBET of none',
    from: 'client',
    meaning: { kind: 'batch', bets: [] },
    fields: fieldsIn('4e424554: NBET · 00000002: 2 bytes · 30: 0 bets · 7c: |'),
  },
  {
    name: 'END',
    from: 'client',
    meaning: { kind: 'all-sent' },
    fields: [['454e4400', 'END, padded']],
  },
  {
    name: 'GWIN',
    from: 'client',
    meaning: { kind: 'ask-winners' },
    fields: [['4757494e', 'GWIN']],
  },
  {
    name: 'OK',
    from: 'server',
    meaning: { kind: 'accepted' },
    fields: [['4f4b0000', 'OK, padded']],
  },
  {
    name: 'NOK',
    from: 'server',
    meaning: { kind: 'refused', texts: [] },
    heard: { kind: 'refused' },
    fields: [['4e4f4b00', 'NOK, padded']],
  },
  {
    name: 'NEND',
    from: 'server',
    meaning: { kind: 'not-drawn' },
    fields: [['4e454e44', 'NEND']],
  },
  {
    name: 'RWIN',
    from: 'server',
    meaning: { kind: 'winners', documents: ['30904465', '30876370'] },
    fields: fieldsIn(
      '5257494e: RWIN · 00000013: 19 bytes · 32: 2 winners · 7c: |',
      '3330393034343635: 30904465 · 7c: | · 3330383736333730: 30876370',
    ),
  },
  {
    name: 'RWIN of none',
    from: 'server',
    meaning: { kind: 'winners', documents: [] },
    fields: fieldsIn('5257494e: RWIN · 00000002: 2 bytes · 30: 0 winners · 7c: | all the same'),
  },
  {
    name: 'RWIN of none, in the short form of other servers',
    from: 'server',
    meaning: { kind: 'winners', documents: [] },
    heardOnly: true,
    fields: fieldsIn('5257494e: RWIN · 00000001: 1 byte · 30: 0 winners'),
  },
];

/** Examples of the protocol page. */
export const BASE_PAGE: readonly PageLine[] = [
  [['CONN'], '434f4e4e 00000001 31'],
  [['RWIN'], '5257494e 00000013 327c33303930343436357c3330383736333730'],
];
