import type { RefusalCode } from '../../src/wire/refusal.ts';
import { LORCA_FIELDS, TRICKY, TRICKY_FIELDS } from './base.ts';
import { type Field, fieldsIn, type GoldenMessage, LORCA } from './golden.ts';

/** The bytes of the extension for resumable uploads (protocol page, section 2). */

const DIGEST = '0123456789abcdef'.repeat(4);

/** A final refusal. */
const final = (length: string, code: string, says: string, detail: string): readonly Field[] => [
  ['4641494c', 'FAIL'],
  [length, 'length of the payload'],
  [code, says],
  ...fieldsIn('7c: | · 31: 1: the central closes · 7c: |'),
  [detail, 'for a person'],
];

/** Every code once, with the detail `a b`. */
const FINAL: readonly (readonly [RefusalCode, readonly Field[]])[] = [
  ['not-identified', final('00000014', '6e6f742d6964656e746966696564', 'not-identified', '612062')],
  [
    'unknown-message',
    final('00000015', '756e6b6e6f776e2d6d657373616765', 'unknown-message', '612062'),
  ],
  ['malformed', final('0000000f', '6d616c666f726d6564', 'malformed', '612062')],
  [
    'payload-too-large',
    final('00000017', '7061796c6f61642d746f6f2d6c61726765', 'payload-too-large', '612062'),
  ],
  ['invalid-bet', final('00000011', '696e76616c69642d626574', 'invalid-bet', '612062')],
  ['sequence-gap', final('00000012', '73657175656e63652d676170', 'sequence-gap', '612062')],
  ['count-mismatch', final('00000014', '636f756e742d6d69736d61746368', 'count-mismatch', '612062')],
  ['upload-open', final('00000011', '75706c6f61642d6f70656e', 'upload-open', '612062')],
  ['upload-voided', final('00000013', '75706c6f61642d766f69646564', 'upload-voided', '612062')],
  [
    'agency-finished',
    final('00000015', '6167656e63792d66696e6973686564', 'agency-finished', '612062'),
  ],
  ['draw-closed', final('00000011', '647261772d636c6f736564', 'draw-closed', '612062')],
  ['unauthorized', final('00000012', '756e617574686f72697a6564', 'unauthorized', '612062')],
  ['busy', final('0000000a', '62757379', 'busy', '612062')],
  ['closing', final('0000000d', '636c6f73696e67', 'closing', '612062')],
  ['storage', final('0000000d', '73746f72616765', 'storage', '612062')],
];

export const RESUMABLE: readonly GoldenMessage[] = [
  {
    name: 'HELO',
    from: 'client',
    meaning: { kind: 'resume', agency: 1, upload: '9f86d081.Ag-1_x', countsBets: true },
    fields: fieldsIn(
      '48454c4f: HELO · 00000016: 22 bytes · 31: agency 1 · 7c: |',
      '3966383664303831 2e 4167 2d 31 5f 78: upload 9f86d081.Ag-1_x · 7c: |',
      '62657473: bets: they are what is numbered',
    ),
  },
  {
    name: 'HELO of the largest agency',
    from: 'client',
    meaning: { kind: 'resume', agency: 65_535, upload: 'Z', countsBets: true },
    fields: fieldsIn(
      '48454c4f: HELO · 0000000c: 12 bytes · 3635353335: agency 65535 · 7c: | · 5a: upload Z',
      '7c: | · 62657473: bets',
    ),
  },
  {
    name: 'HELO of an older agency, which numbers batches',
    from: 'client',
    meaning: { kind: 'resume', agency: 1, upload: '9f86d081.Ag-1_x', countsBets: false },
    heardOnly: true,
    fields: fieldsIn(
      '48454c4f: HELO · 00000011: 17 bytes · 31: agency 1 · 7c: |',
      '3966383664303831 2e 4167 2d 31 5f 78: upload 9f86d081.Ag-1_x',
    ),
  },
  {
    name: 'SBET',
    from: 'client',
    meaning: { kind: 'numbered-batch', seq: 7, bets: [LORCA] },
    fields: [
      ...fieldsIn(
        '53424554: SBET · 00000032: 50 bytes · 37: bet 7 is the first one · 7c: | · 31: 1 bet',
        '7c: |',
      ),
      ...LORCA_FIELDS,
    ],
  },
  {
    name: 'SBET of two bets',
    from: 'client',
    meaning: { kind: 'numbered-batch', seq: 999_999_999_999_999, bets: TRICKY },
    fields: [
      ...fieldsIn(
        '53424554: SBET · 0000004b: 75 bytes',
        '393939393939393939393939393939: bet 999999999999999 is the first one · 7c: |',
        '32: 2 bets · 7c: |',
      ),
      ...TRICKY_FIELDS,
    ],
  },
  {
    name: 'SBET of none',
    from: 'client',
    meaning: { kind: 'numbered-batch', seq: 1, bets: [] },
    fields: fieldsIn(
      '53424554: SBET · 00000004: 4 bytes · 31: number 1 · 7c: | · 30: 0 bets · 7c: |',
    ),
  },
  {
    name: 'DONE',
    from: 'client',
    meaning: { kind: 'upload-done', batches: 123, bets: 4567 },
    fields: fieldsIn(
      '444f4e45: DONE · 00000008: 8 bytes · 313233: 123 batches · 7c: | · 34353637: 4567 bets',
    ),
  },
  {
    name: 'WAIT of an older agency',
    from: 'client',
    meaning: { kind: 'await-winners' },
    heardOnly: true,
    fields: [['57414954', 'WAIT']],
  },
  {
    name: 'ACTA of the agency',
    from: 'client',
    meaning: { kind: 'await-winners', acta: 12 },
    fields: fieldsIn('41435441: ACTA · 00000002: 2 bytes · 3132: 12'),
  },
  {
    name: 'DIFF',
    from: 'client',
    meaning: { kind: 'dispute-acta', acta: 2, bets: 991, sha256: DIGEST },
    fields: [
      ...fieldsIn(
        '44494646: DIFF · 00000046: 70 bytes · 32: acta 2 · 7c: | · 393931: 991 bets · 7c: |',
      ),
      [Buffer.from(DIGEST).toString('hex'), 'SHA-256'],
    ],
  },
  {
    name: 'WELC',
    from: 'server',
    meaning: { kind: 'welcome', next: 1, window: 64, payloadBytesMax: 8184, refusedBets: 0 },
    fields: fieldsIn(
      '57454c43: WELC · 0000000b: 11 bytes · 31: bet 1 is expected · 7c: |',
      '3634: 64 may be unanswered · 7c: | · 38313834: 8184 bytes of payload at most · 7c: |',
      '30: no bet was refused',
    ),
  },
  {
    name: 'WELC of a known upload',
    from: 'server',
    meaning: { kind: 'welcome', next: 1000, window: 32, payloadBytesMax: 1024, refusedBets: 130 },
    fields: fieldsIn(
      '57454c43: WELC · 00000010: 16 bytes · 31303030: bet 1000 is expected · 7c: |',
      '3332: 32 may be unanswered · 7c: | · 31303234: 1024 bytes of payload at most · 7c: |',
      '313330: 130 of the bets below 1000 were refused',
    ),
  },
  {
    name: 'ACTA of the central',
    from: 'server',
    meaning: { kind: 'acta', number: 2, uploads: 1, text: 'a|\n' },
    fields: fieldsIn(
      '41435441: ACTA · 00000007: 7 bytes · 32: 2 · 7c: | · 31: 1 upload · 7c: |',
      '617c0a: the document',
    ),
  },
  {
    name: 'PING',
    from: 'server',
    meaning: { kind: 'still-here' },
    fields: [['50494e47', 'PING']],
  },
  {
    name: 'FAIL for a batch',
    from: 'server',
    meaning: {
      kind: 'batch-refused',
      seq: 17,
      fault: { index: 129, field: 'birthdate', reason: 'not-a-date' },
    },
    fields: fieldsIn(
      '4641494c: FAIL · 00000029: 41 bytes · 696e76616c69642d626574: invalid-bet · 7c: |',
      '30: 0: the upload stays open · 7c: | · 3137: the batch whose first bet is 17 · 7c: |',
      '313239: the bet 129 of it, from 0 · 7c: | · 626972746864617465: birthdate · 7c: |',
      '6e6f742d612d64617465: not-a-date',
    ),
  },
  ...FINAL.map(
    ([code, fields]): GoldenMessage => ({
      name: `FAIL ${code}`,
      from: 'server',
      meaning: { kind: 'refused', code, texts: ['a b'] },
      heard: { kind: 'refused', refusal: { code, detail: 'a b' } },
      fields,
    }),
  ),
];

/** The answer to an older agency's HELO, which our agency never sends. */
export const WELC_OLD: readonly Field[] = fieldsIn(
  '57454c43: WELC · 00000009: 9 bytes · 31: batch 1 is expected · 7c: |',
  '3634: 64 may be unanswered · 7c: | · 38313834: 8184 bytes of payload at most',
);
