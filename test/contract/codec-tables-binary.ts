import { LORCA } from '../golden/golden.ts';
import { OP_CODES } from '../golden/op-codes.ts';
import { PUSH_CODES } from '../golden/push-codes.ts';
import type { CodecCase, Reject } from './codec-contract.ts';
import { each, MALFORMED, TOO_LARGE, tooFew, tooMany } from './codec-refusals.ts';
import { ascii, bytes, counted, joined, NOTHING, patched, u16 } from './spoken-dialect.ts';
import { spoken } from './spoken-dialects.ts';

/** Tables of the binary dialects. */

function pushCodes(): CodecCase {
  const { dialect, batch, numberMax, documentIsText } = spoken('push-codes');
  const one = batch(1, LORCA);
  const sized = (length: number): Reject => [
    `a batch of ${length} bytes, by its length`,
    u16(length),
    `${TOO_LARGE}a batch of ${length} bytes, at most 8190 are taken`,
  ];
  /** A batch of one packet, with one byte replaced. */
  const lying = (at: number, hex: string): Buffer => patched(one, at + 2, hex);
  return {
    dialect,
    golden: PUSH_CODES,
    hello: Buffer.of(1),
    batch,
    batchBytesMax: ({ payloadBytesMax }) => Math.min(payloadBytesMax + 8, 8192),
    slackBytes: 0,
    isSendable: ({ firstName, lastName, document }) =>
      [firstName, lastName].every(name => Array.from(name).length <= 30) &&
      /^(?:0|[1-9]\d*)$/.test(document) &&
      Number(document) < 2 ** 32,
    keepsZeros: false,
    numberMax,
    documentIsText,
    central: {
      rejects: [
        ...[8191, 8999, 9001, 0xffff].map(sized),
        [
          'a length that reaches into the next message',
          joined(patched(one, 0, '002b'), one),
          tooFew(1),
        ],
        ['a length that is one too low', patched(one, 0, '0029'), tooFew(0)],
        ['a packet that is one too long', lying(0, '0029'), tooFew(0)],
        ['a packet that is one too short', lying(0, '0027'), tooFew(0)],
        ['a packet longer than the batch', lying(0, 'ff'), tooFew(0)],
        ['an empty packet', bytes('0002 0000'), tooFew(0)],
        ['a packet of names alone', bytes('0006 0004 01 41 01 42'), tooFew(0)],
        ['a first name that is one too long', lying(2, '10'), tooFew(0)],
        ['a first name that is one too short', lying(2, '0e'), tooFew(0)],
        ['a first name that ends with the packet', lying(2, '27'), tooFew(0)],
        ['a first name of 255 bytes', lying(2, 'ff'), tooFew(0)],
        ['a last name that is one too long', lying(18, '06'), tooFew(0)],
        ['a last name that is one too short', lying(18, '04'), tooMany(0)],
        ['a last name of 255 bytes', lying(18, 'ff'), tooFew(0)],
        ['a byte after the fields', joined(bytes('002b 0029'), one.subarray(4), '!'), tooMany(0)],
      ],
      waits: [u16(8190)],
      accepts: [],
    },
    agency: {
      rejects: [
        ...each(
          ['ACX', 'NAK', 'ack', 'HTT', '\0\0\0', '#(\0'].map(text => [
            JSON.stringify(text),
            ascii(text),
          ]),
          'unknown-message: neither ACK nor ERR',
        ),
        ...[1, 2, 3, 5, 0xffff].map(
          (length): Reject => [
            `winners of ${length} bytes`,
            joined(u16(9001), u16(length)),
            `${MALFORMED}winners of ${length} bytes`,
          ],
        ),
      ],
      waits: [joined(u16(9001), u16(0xfffc))],
      accepts: [],
    },
  };
}

function opCodes(): CodecCase {
  const { dialect, batch, numberMax, documentIsText } = spoken('op-codes');
  const one = batch(1, LORCA);
  const lorca = one.subarray(3).toString('hex');
  const text = (content: string): Buffer => counted(u16, content);
  const answer = (code: number, said = ''): Buffer => joined(Buffer.of(2, code), text(said));
  const list = (hex: string): Reject => [
    `a batch that begins ${hex}`,
    bytes(hex),
    `${TOO_LARGE}a list of at least`,
  ];
  return {
    dialect,
    golden: OP_CODES,
    hello: NOTHING,
    batch,
    batchBytesMax: ({ payloadBytesMax }) => 8 + payloadBytesMax,
    slackBytes: 0,
    isSendable: () => true,
    keepsZeros: false,
    numberMax,
    documentIsText,
    central: {
      rejects: [
        ...[0, 1, 2, 5, 6, 0x42, 0x4e, 0xff].map((op): Reject => {
          return [`operation ${op}`, Buffer.of(op), `unknown-message: operation ${op}`];
        }),
        [
          'an operation that is not a bet',
          bytes('03 0001 02'),
          `${MALFORMED}operation 2 in the place of a bet`,
        ],
        [
          'another operation after a bet',
          bytes(`03 0002 ${lorca} 03`),
          `${MALFORMED}operation 3 in the place`,
        ],
        ['a count of zero before a bet', patched(one, 1, '0000'), 'unknown-message: operation 1'],
        ['a bet of agency 0', bytes('03 0001 01 00'), `${MALFORMED}agency 0`],
        [
          'bets of two agencies',
          bytes(`03 0002 ${lorca} 01 02`),
          `${MALFORMED}bets of more than one agency`,
        ],
        ['a notification of agency 0', bytes('04 00 00'), `${MALFORMED}agency 0`],
        ['a notification of kind 2', bytes('04 01 02'), `${MALFORMED}a notification of kind 2`],
        ['a notification of kind 255', bytes('04 01 ff'), `${MALFORMED}a notification of kind 255`],
        [
          'a name that is one too short',
          patched(one, 5, '000e'),
          `${TOO_LARGE}a list of at least 27677`,
        ],
        // A bet has at least 12 bytes: 682 of them and the header are 8187.
        ...[
          '03 02ab',
          '03 ffff',
          '03 0001 01 01 1ff2',
          '03 0001 01 01 ffff',
          '03 0002 01 01 1fe6',
        ].map(list),
        ...['0000 1ff2', '0001 78 1ff1', '0000 0000 1ff2', '0000 0000 0000 1ff2'].map(rest =>
          list(`03 0001 01 01 ${rest}`),
        ),
      ],
      waits: [
        '03 02aa',
        '03 0001 01 01 1ff1',
        '03 0002 01 01 1fe5',
        ...['0000 1ff1', '0001 78 1ff0', '0000 0000 1ff1', '0000 0000 0000 1ff1'].map(
          rest => `03 0001 01 01 ${rest}`,
        ),
        // The first byte of a length becomes a letter, and 0x054c the next length.
        patched(batch(1, LORCA, LORCA), 5, '0010').toString('hex'),
      ].map(bytes),
      accepts: [],
    },
    agency: {
      rejects: [
        ...[0, 1, 3, 4, 6, 0xff].map((op): Reject => {
          return [`operation ${op}`, Buffer.of(op), `unknown-message: operation ${op}`];
        }),
        ...[0, 5, 0xff].map((code): Reject => {
          return [
            `an answer with the code ${code}`,
            answer(code, 'x'),
            `${MALFORMED}an answer with the code`,
          ];
        }),
        [
          'another reply after the announcement',
          joined(answer(4), answer(3)),
          `${MALFORMED}no winners`,
        ],
        ['a second announcement', joined(answer(4), answer(4)), `${MALFORMED}no winners`],
      ],
      waits: [answer(4), bytes('05 ffff')],
      accepts: [
        [
          'winners without an announcement',
          joined(bytes('05 0001'), text('007')),
          { kind: 'winners', documents: ['007'] },
        ],
        ...(
          [
            ['', 'an error in the batch'],
            ['\r\n', 'an error in the batch'],
            ['no\r\nroom|\x1b[31m', 'no room [31m'],
            ['x'.repeat(65_535), 'x'.repeat(500)],
          ] as const
        ).map(([said, detail]) => {
          const message = { kind: 'bets-refused', refusal: { code: 'invalid-bet', detail } };
          return [
            `an error that says ${JSON.stringify(said.slice(0, 9))}`,
            answer(2, said),
            message,
          ] as const;
        }),
      ],
    },
  };
}

export const BINARY: readonly CodecCase[] = [pushCodes(), opCodes()];
