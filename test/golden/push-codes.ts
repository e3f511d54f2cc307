import { fieldsIn, type GoldenMessage, LORCA, NANDU, type PageLine } from './golden.ts';

/**
 * The bytes of the dialect push-codes. Packets do not repeat the agency, and documents are numbers.
 */

export const PUSH_CODES: readonly GoldenMessage[] = [
  {
    name: 'hello',
    from: 'client',
    meaning: { kind: 'identify', agency: 1 },
    fields: [['01', 'agency 1: a raw byte and nothing else']],
  },
  {
    name: 'hello of an agency of two digits',
    from: 'client',
    meaning: { kind: 'identify', agency: 12 },
    fields: [['0c', 'agency 12']],
  },
  {
    name: 'hello of the largest agency',
    from: 'client',
    meaning: { kind: 'identify', agency: 255 },
    fields: [['ff', 'agency 255']],
  },
  {
    name: 'batch',
    from: 'client',
    meaning: { kind: 'batch', bets: [LORCA] },
    fields: fieldsIn(
      '002a: 42 bytes of packets · 0028: a packet of 40 bytes · 0f: 15 bytes',
      '53616e746961676f 20 4c696f6e656c: Santiago Lionel · 05: 5 bytes · 4c6f726361: Lorca',
      '31393939 2d 3033 2d 3137: 1999-03-17 · 01d79091: 30904465 · 00001d96: 7574',
    ),
  },
  {
    name: 'batch of two',
    from: 'client',
    meaning: { kind: 'batch', bets: [LORCA, NANDU] },
    fields: fieldsIn(
      '004e: 78 bytes of packets, without a count · 0028: a packet of 40 bytes · 0f: 15 bytes',
      '53616e746961676f 20 4c696f6e656c: Santiago Lionel · 05: 5 bytes · 4c6f726361: Lorca',
      '31393939 2d 3033 2d 3137: 1999-03-17 · 01d79091: 30904465 · 00001d96: 7574',
      '0022: a packet of 34 bytes, and nothing between the two · 07: 7 bytes, 5 letters',
      'c38d c3b1 69 67 6f: Íñigo · 07: 7 bytes, 5 letters · c391 61 6e 64 c3ba: Ñandú',
      '32303030 2d 3032 2d 3239: 2000-02-29 · 017a875b: 24807259 · 0000002a: 42',
    ),
  },
  {
    name: 'batch with the largest numbers',
    from: 'client',
    meaning: {
      kind: 'batch',
      bets: [
        {
          firstName: 'A',
          lastName: 'B',
          document: '4294967295',
          birthdate: '0001-01-01',
          number: '9999',
        },
      ],
    },
    fields: fieldsIn(
      '0018: 24 bytes of packets · 0016: a packet of 22 bytes · 01: 1 byte · 41: A',
      '01: 1 byte · 42: B · 30303031 2d 3031 2d 3031: 0001-01-01 · ffffffff: 4294967295',
      '0000270f: 9999',
    ),
  },
  {
    name: 'notification',
    from: 'client',
    meaning: { kind: 'all-sent' },
    fields: [['2328', '9000, in the place of a length: all bets sent']],
  },
  {
    name: 'acknowledgement',
    from: 'server',
    meaning: { kind: 'accepted' },
    fields: [['41434b', 'ACK']],
  },
  {
    name: 'error',
    from: 'server',
    meaning: { kind: 'refused', texts: [] },
    heard: { kind: 'refused' },
    fields: [['455252', 'ERR, which has no room for a reason']],
  },
  {
    name: 'two winners',
    from: 'server',
    meaning: { kind: 'winners', documents: ['30904465', '30876370'] },
    fields: fieldsIn(
      '2329: 9001: winners · 0008: 8 bytes of documents · 01d79091: 30904465',
      '01d722d2: 30876370',
    ),
  },
  {
    name: 'one winner',
    from: 'server',
    meaning: { kind: 'winners', documents: ['24807259'] },
    fields: fieldsIn('2329: 9001: winners · 0004: 4 bytes of documents · 017a875b: 24807259'),
  },
  {
    name: 'no winners',
    from: 'server',
    meaning: { kind: 'winners', documents: [] },
    fields: fieldsIn('2329: 9001: winners · 0000: none'),
  },
];

/** The examples of the page. */
export const PUSH_CODES_PAGE: readonly PageLine[] = [
  [
    ['hello', 'batch'],
    '01 002a 0028 0f53616e746961676f204c696f6e656c 054c6f726361 313939392d30332d3137 01d79091 00001d96',
  ],
  [['notification'], '2328'],
  [['two winners'], '2329 0008 01d79091 01d722d2'],
  [['no winners'], '2329 0000'],
];
