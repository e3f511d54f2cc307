import { type Field, fieldsIn, type GoldenMessage, LORCA, NANDU, type PageLine } from './golden.ts';

/** The bytes of the dialect check-win. Everything is text, including numbers. */

const LORCA_FIELDS: readonly Field[] = fieldsIn(
  '0000000f: 15 bytes · 53616e746961676f 20 4c696f6e656c: Santiago Lionel · 00000005: 5 bytes',
  '4c6f726361: Lorca · 00000008: 8 bytes · 3330393034343635: 30904465 · 0000000a: 10 bytes',
  '31393939 2d 3033 2d 3137: 1999-03-17 · 00000004: 4 bytes · 37353734: 7574',
);

const NANDU_FIELDS: readonly Field[] = fieldsIn(
  '00000007: 7 bytes, 5 letters · c38d c3b1 69 67 6f: Íñigo · 00000007: 7 bytes, 5 letters',
  'c391 61 6e 64 c3ba: Ñandú · 00000008: 8 bytes · 3234383037323539: 24807259',
  '0000000a: 10 bytes · 32303030 2d 3032 2d 3239: 2000-02-29 · 00000002: 2 bytes · 3432: 42',
);

const BATCHES: readonly GoldenMessage[] = [
  {
    name: 'batch',
    from: 'client',
    meaning: { kind: 'batch', agency: 1, bets: [LORCA] },
    fields: [
      ...fieldsIn(
        '00000043: 67 bytes, without themselves and the type · 42: B · 00000001: 1 byte',
        '31: agency 1',
      ),
      ...LORCA_FIELDS,
    ],
  },
  {
    name: 'batch of two, of an agency of two digits',
    from: 'client',
    meaning: { kind: 'batch', agency: 12, bets: [LORCA, NANDU] },
    fields: [
      ...fieldsIn(
        '0000007a: 122 bytes · 42: B · 00000002: 2 bytes · 3132: agency 12, once for all bets',
      ),
      ...LORCA_FIELDS,
      ...NANDU_FIELDS,
    ],
  },
  {
    name: 'batch of none',
    from: 'client',
    meaning: { kind: 'batch', agency: 1, bets: [] },
    fields: fieldsIn(
      '00000005: 5 bytes · 42: B · 00000001: 1 byte · 31: agency 1, and no bet after it',
    ),
  },
];

const NOTIFICATIONS: readonly GoldenMessage[] = [
  {
    name: 'all sent',
    from: 'client',
    meaning: { kind: 'all-sent', agency: 1 },
    fields: fieldsIn('00000005: 5 bytes · 46: F · 00000001: 1 byte · 31: agency 1'),
  },
  {
    name: 'all sent, of an agency of two digits',
    from: 'client',
    meaning: { kind: 'all-sent', agency: 12 },
    fields: fieldsIn('00000006: 6 bytes · 46: F · 00000002: 2 bytes · 3132: agency 12'),
  },
  {
    name: 'all sent, of an older client',
    from: 'client',
    meaning: { kind: 'all-sent', agency: 1 },
    heardOnly: true,
    fields: [
      ...fieldsIn(
        '00000043: 67 bytes · 46: F · 00000001: 1 byte',
        '31: agency 1; what follows is the last batch again, which is stored already',
      ),
      ...LORCA_FIELDS,
    ],
  },
  {
    name: 'question',
    from: 'client',
    meaning: { kind: 'ask-winners', agency: 1 },
    fields: fieldsIn('00000005: 5 bytes · 51: Q · 00000001: 1 byte · 31: agency 1'),
  },
  {
    name: 'question of an agency of two digits',
    from: 'client',
    meaning: { kind: 'ask-winners', agency: 12 },
    fields: fieldsIn('00000006: 6 bytes · 51: Q · 00000002: 2 bytes · 3132: agency 12'),
  },
];

const ANSWERS: readonly GoldenMessage[] = [
  {
    name: 'acknowledgement',
    from: 'server',
    meaning: { kind: 'accepted', bets: 1 },
    fields: fieldsIn('00000005: 5 bytes · 30: 0: stored · 00000001: 1 byte · 31: 1 bet'),
  },
  {
    name: 'acknowledgement of many',
    from: 'server',
    meaning: { kind: 'accepted', bets: 130 },
    fields: fieldsIn('00000007: 7 bytes · 30: 0: stored · 00000003: 3 bytes · 313330: 130 bets'),
  },
  {
    name: 'acknowledgement of none',
    from: 'server',
    meaning: { kind: 'accepted', bets: 0 },
    fields: fieldsIn('00000005: 5 bytes · 30: 0: stored · 00000001: 1 byte · 30: 0 bets'),
  },
  {
    name: 'error',
    from: 'server',
    meaning: { kind: 'refused', texts: ['0'] },
    heard: { kind: 'refused' },
    fields: fieldsIn(
      '00000005: 5 bytes · 45: E · 00000001: 1 byte',
      '30: 0: a field there must be, and the original client logs it as a number of bets',
    ),
  },
  {
    name: 'error with two fields',
    from: 'server',
    meaning: { kind: 'refused', texts: ['0', 'año'] },
    heard: { kind: 'refused', refusal: { code: 'malformed', detail: 'año' } },
    heardOnly: true,
    fields: fieldsIn(
      '0000000d: 13 bytes · 45: E · 00000001: 1 byte · 30: 0 · 00000004: 4 bytes, 3 letters',
      '61 c3b1 6f: año',
    ),
  },
  {
    name: 'not yet',
    from: 'server',
    meaning: { kind: 'not-drawn' },
    fields: fieldsIn('00000000: no field · 51: Q'),
  },
  {
    name: 'two winners',
    from: 'server',
    meaning: { kind: 'winners', documents: ['30904465', '30876370'] },
    fields: fieldsIn(
      '00000018: 24 bytes · 57: W · 00000008: 8 bytes · 3330393034343635: 30904465',
      '00000008: 8 bytes · 3330383736333730: 30876370',
    ),
  },
  {
    name: 'one winner',
    from: 'server',
    meaning: { kind: 'winners', documents: ['007'] },
    fields: fieldsIn(
      '00000007: 7 bytes · 57: W · 00000003: 3 bytes · 303037: 007: a document is text',
    ),
  },
  {
    name: 'no winners',
    from: 'server',
    meaning: { kind: 'winners', documents: [] },
    fields: fieldsIn('00000000: no field · 57: W'),
  },
];

export const CHECK_WIN: readonly GoldenMessage[] = [...BATCHES, ...NOTIFICATIONS, ...ANSWERS];

/** Examples of the protocol page. */
export const CHECK_WIN_PAGE: readonly PageLine[] = [
  [
    ['batch'],
    '00000043 42 00000001 31 0000000f 53616e746961676f204c696f6e656c 00000005 4c6f726361 00000008 3330393034343635 0000000a 313939392d30332d3137 00000004 37353734',
  ],
  [['acknowledgement'], '00000005 30 00000001 31'],
  [['all sent'], '00000005 46 00000001 31'],
  [['question'], '00000005 51 00000001 31'],
  [['not yet'], '00000000 51'],
  [['two winners'], '00000018 57 00000008 3330393034343635 00000008 3330383736333730'],
];
