import { type Field, fieldsIn, type GoldenMessage, LORCA, NANDU, type PageLine } from './golden.ts';

/**
 * The bytes of the dialect op-codes. Frames have no length; the fields determine the end of a
 * message.
 */

/** After the byte of the agency. */
const LORCA_FIELDS: readonly Field[] = fieldsIn(
  '000f: 15 bytes · 53616e746961676f 20 4c696f6e656c: Santiago Lionel · 0005: 5 bytes',
  '4c6f726361: Lorca · 0008: 8 bytes · 3330393034343635: 30904465 · 000a: 10 bytes',
  '31393939 2d 3033 2d 3137: 1999-03-17',
  '1d96: 7574: the only number in a bet, but for the agency',
);

const NANDU_FIELDS: readonly Field[] = fieldsIn(
  '0007: 7 bytes, 5 letters · c38d c3b1 69 67 6f: Íñigo · 0007: 7 bytes, 5 letters',
  'c391 61 6e 64 c3ba: Ñandú · 0008: 8 bytes · 3234383037323539: 24807259 · 000a: 10 bytes',
  '32303030 2d 3032 2d 3239: 2000-02-29 · 002a: 42',
);

const BATCHES: readonly GoldenMessage[] = [
  {
    name: 'batch',
    from: 'client',
    meaning: { kind: 'batch', bets: [{ agency: 1, ...LORCA }] },
    fields: [...fieldsIn('03: batch · 0001: 1 bet · 01: bet · 01: agency 1'), ...LORCA_FIELDS],
  },
  {
    name: 'batch of two, of an agency of two digits',
    from: 'client',
    meaning: {
      kind: 'batch',
      bets: [
        { agency: 12, ...LORCA },
        { agency: 12, ...NANDU },
      ],
    },
    fields: [
      ...fieldsIn('03: batch · 0002: 2 bets · 01: bet · 0c: agency 12'),
      ...LORCA_FIELDS,
      ...fieldsIn('01: bet, said again · 0c: agency 12, said again'),
      ...NANDU_FIELDS,
    ],
  },
  {
    name: 'batch of none',
    from: 'client',
    meaning: { kind: 'batch', bets: [] },
    fields: fieldsIn('03: batch · 0000: no bet: legal, and acknowledged'),
  },
];

const NOTIFICATIONS: readonly GoldenMessage[] = [
  {
    name: 'all sent',
    from: 'client',
    meaning: { kind: 'all-sent', agency: 1 },
    fields: fieldsIn('04: notify · 01: agency 1 · 00: 0: all bets sent'),
  },
  {
    name: 'all sent, of an agency of two digits',
    from: 'client',
    meaning: { kind: 'all-sent', agency: 12 },
    fields: fieldsIn('04: notify · 0c: agency 12 · 00: 0: all bets sent'),
  },
  {
    name: 'ask',
    from: 'client',
    meaning: { kind: 'ask-winners', agency: 1 },
    fields: fieldsIn('04: notify · 01: agency 1 · 01: 1: tell me the winners'),
  },
  {
    name: 'ask of the largest agency',
    from: 'client',
    meaning: { kind: 'ask-winners', agency: 255 },
    fields: fieldsIn('04: notify · ff: agency 255 · 01: 1: tell me the winners'),
  },
];

/** The text of an acknowledgement is not fixed. */
const ANSWERS: readonly GoldenMessage[] = [
  {
    name: 'stored',
    from: 'server',
    meaning: { kind: 'accepted', text: '' },
    fields: fieldsIn('02: acknowledgement · 01: 1: stored · 0000: no text'),
  },
  {
    name: 'stored, with a text',
    from: 'server',
    meaning: { kind: 'accepted', text: 'año' },
    heardOnly: true,
    fields: fieldsIn(
      '02: acknowledgement · 01: 1: stored · 0004: 4 bytes, 3 letters · 61 c3b1 6f: año',
    ),
  },
  {
    name: 'error in the batch',
    from: 'server',
    meaning: { kind: 'refused', texts: ['no'] },
    heard: { kind: 'bets-refused', refusal: { code: 'invalid-bet', detail: 'no' } },
    fields: fieldsIn('02: acknowledgement · 02: 2: error in the batch · 0002: 2 bytes · 6e6f: no'),
  },
  {
    name: 'not yet',
    from: 'server',
    meaning: { kind: 'not-drawn', text: '' },
    fields: fieldsIn('02: acknowledgement · 03: 3: the draw has not been held · 0000: no text'),
  },
  {
    name: 'not yet, with a text',
    from: 'server',
    meaning: { kind: 'not-drawn', text: 'no' },
    heardOnly: true,
    fields: fieldsIn(
      '02: acknowledgement · 03: 3: the draw has not been held · 0002: 2 bytes · 6e6f: no',
    ),
  },
  {
    name: 'two winners',
    from: 'server',
    meaning: { kind: 'winners', text: '', documents: ['30904465', '30876370'] },
    fields: fieldsIn(
      '02: acknowledgement · 04: 4: winners follow · 0000: no text · 05: winners',
      '0002: 2 documents · 0008: 8 bytes · 3330393034343635: 30904465 · 0008: 8 bytes',
      '3330383736333730: 30876370',
    ),
  },
  {
    name: 'one winner, with a text',
    from: 'server',
    meaning: { kind: 'winners', text: 'si', documents: ['007'] },
    heardOnly: true,
    fields: fieldsIn(
      '02: acknowledgement · 04: 4: winners follow · 0002: 2 bytes · 7369: si · 05: winners',
      '0001: 1 document · 0003: 3 bytes · 303037: 007: a document is text',
    ),
  },
  {
    name: 'no winners',
    from: 'server',
    meaning: { kind: 'winners', text: '', documents: [] },
    fields: fieldsIn(
      '02: acknowledgement · 04: 4: winners follow · 0000: no text · 05: winners · 0000: none',
    ),
  },
];

export const OP_CODES: readonly GoldenMessage[] = [...BATCHES, ...NOTIFICATIONS, ...ANSWERS];

/** Examples of the protocol page, with an empty text for `<str>`. */
export const OP_CODES_PAGE: readonly PageLine[] = [
  [
    ['batch'],
    '03 0001 01 01 000f53616e746961676f204c696f6e656c 00054c6f726361 00083330393034343635 000a313939392d30332d3137 1d96',
  ],
  [['all sent', 'ask'], '04 01 00  04 01 01'],
  [['not yet'], '02 03 0000'],
  [['two winners'], '02 04 0000  05 0002 0008 3330393034343635 0008 3330383736333730'],
];
