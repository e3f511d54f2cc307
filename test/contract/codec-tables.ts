import type { Bet } from '../../src/lottery/bet.ts';
import { CHECK_WIN } from '../golden/check-win.ts';
import { CSV_FRAMES } from '../golden/csv-frames.ts';
import { LORCA } from '../golden/golden.ts';
import { OP_CODES } from '../golden/op-codes.ts';
import { PUSH_CODES } from '../golden/push-codes.ts';
import type { CodecCase, Reject } from './codec-contract.ts';
import { ascii, bytes, counted, joined, NOTHING, patched, u16, u32 } from './spoken-dialect.ts';
import { spoken } from './spoken-dialects.ts';

/** What each dialect without typed frames refuses, awaits and accepts. */

export const TOO_LARGE = 'payload-too-large: ';
export const MALFORMED = 'malformed: ';
export const tooFew = (bet: number): string => `invalid-bet: bet ${bet}, batch, too-few-fields`;
export const tooMany = (bet: number): string => `invalid-bet: bet ${bet}, batch, too-many-fields`;

/** Each of several frames, refused in the same way. */
export const each = (
  frames: readonly (readonly [string, Uint8Array])[],
  refusal: string,
): readonly Reject[] => frames.map(([what, frame]) => [what, frame, refusal]);

export const namesBoth = ({ firstName, lastName }: Bet): string => firstName + lastName;

function pushCodes(): CodecCase {
  const { dialect, batch, numberMax, documentIsText } = spoken('push-codes');
  const one = batch(1, LORCA);
  const sized = (length: number): Reject => [
    `a batch of ${length} bytes, by its length`,
    u16(length),
    `${TOO_LARGE}a batch of ${length} bytes, at most 8190 are taken`,
  ];
  /** A packet with another byte at a place of it, alone in its batch. */
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
        ['a packet of nothing', bytes('0002 0000'), tooFew(0)],
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

function checkWin(): CodecCase {
  const { dialect, batch, numberMax, documentIsText } = spoken('check-win');
  const one = batch(1, LORCA);
  const frame = (type: string, payload: Uint8Array): Buffer =>
    joined(u32(payload.length), ascii(type), payload);
  const texts = (...fields: readonly string[]): Buffer =>
    joined(...fields.map(text => counted(u32, text)));
  const limits = { B: 8202, F: 8202, Q: 20 };
  const answers = { E: 8192, Q: 0, '0': 19, W: 64 * 1024 * 1024 };
  const tooLong = (most: Readonly<Record<string, number>>): Reject[] =>
    Object.entries(most).flatMap(([type, length]) =>
      [length + 1, 0xffffffff].map(
        (said): Reject => [
          `${type} of ${said} bytes, by its header`,
          joined(u32(said), ascii(type)),
          `${TOO_LARGE}${type} of ${said} bytes, at most ${length} are taken`,
        ],
      ),
    );
  const headers = (most: Readonly<Record<string, number>>): Buffer[] =>
    Object.entries(most)
      .filter(([, length]) => length > 0)
      .map(([type, length]) => joined(u32(length), ascii(type)));
  const unknownTypes = (...types: readonly string[]): readonly Reject[] =>
    each(
      types.map(type => [`type ${JSON.stringify(type)}`, frame(type, NOTHING)]),
      'unknown-message: type 0x',
    );
  const noAgency = ['', '00', '000000', '00000001', '0000000231', 'ffffffff31', '8000000131'];
  const ids = ['', '0', '65536', '-1', '1 ', ' 1', '1\n', 'uno', '1\0', '00000000001'];
  const broken = ['00', '00000002', '0000000231', 'ffffffff31', '000000013100'];
  return {
    dialect,
    golden: CHECK_WIN,
    hello: NOTHING,
    batch,
    batchBytesMax: ({ payloadBytesMax }) => 8 + payloadBytesMax,
    slackBytes: 0,
    isSendable: () => true,
    keepsZeros: true,
    numberMax,
    documentIsText,
    central: {
      rejects: [
        ...unknownTypes('0', 'E', 'W', 'b', 'f', 'q', '\0', '\xff', ' '),
        ...tooLong(limits),
        ...['B', 'F', 'Q'].flatMap(type =>
          each(
            [
              ...ids.map(
                id => [`${type} of agency ${JSON.stringify(id)}`, frame(type, texts(id))] as const,
              ),
              ...noAgency.map(hex => [`${type} with ${hex}`, frame(type, bytes(hex))] as const),
            ],
            `${MALFORMED}${type} without an agency id`,
          ),
        ),
        ['Q with another field', frame('Q', texts('1', '1')), `${MALFORMED}Q with more than`],
        [
          'Q with another byte',
          frame('Q', joined(texts('1'), '\0')),
          `${MALFORMED}Q with more than`,
        ],
        [
          'a length that reaches into the next message',
          joined(patched(one, 3, '44'), one),
          tooFew(1),
        ],
        ['a length that is one too low', patched(one, 3, '42'), tooFew(0)],
        ['a number that is one too long', patched(one, one.length - 5, '05'), tooFew(0)],
        ['a name of 4 GiB', patched(one, 10, 'ffffffff'), tooFew(0)],
        ['a name of 2 GiB', patched(one, 10, '80000000'), tooFew(0)],
        ['a name that is one too short', patched(one, 13, '0e'), tooFew(0)],
        ...[1, 2, 3, 4].map((count): Reject => {
          const fields = texts(
            '1',
            'a',
            'b',
            '1',
            '2000-01-01',
            '7',
            ...['a', 'b', '1', '2'].slice(0, count),
          );
          return [`a second bet of ${count} fields`, frame('B', fields), tooFew(1)];
        }),
      ],
      waits: headers(limits),
      accepts: [
        ['a padded id', frame('Q', texts('0000000005')), { kind: 'ask-winners', agency: 5 }],
        [
          'F with anything after the id',
          frame('F', joined(texts('7'), '?')),
          { kind: 'finish', agency: 7 },
        ],
      ],
    },
    agency: {
      rejects: [
        ...unknownTypes('B', 'F', 'q', 'w', '1', '\0'),
        ...tooLong(answers),
        ...each(
          [[], [''], ['x'], ['-1'], ['1.0'], [' 1'], ['1', '1']].map(fields => [
            `0 with ${JSON.stringify(fields)}`,
            frame('0', texts(...fields)),
          ]),
          `${MALFORMED}0 without a number of bets`,
        ),
        ...['0', 'E', 'W'].flatMap(type =>
          each(
            broken.map(hex => [`${type} with ${hex}`, frame(type, bytes(hex))]),
            `${MALFORMED}${type} with a field that is longer`,
          ),
        ),
      ],
      waits: headers(answers),
      accepts: [
        ['E without a field', frame('E', NOTHING), { kind: 'refused' }],
        ['E with an empty field', frame('E', texts('')), { kind: 'refused' }],
        ...(
          [
            [['no room'], 'no room'],
            [['0', 'no room'], 'no room'],
            [['no\r\nroom|\x1b[31m\u2028'], 'no room [31m'],
            [['x'.repeat(5000)], 'x'.repeat(500)],
          ] as const
        ).map(([fields, detail]) => {
          const message = { kind: 'refused', refusal: { code: 'malformed', detail } };
          return [`E with ${fields.join()}`, frame('E', texts(...fields)), message] as const;
        }),
      ],
    },
  };
}

function csvFrames(): CodecCase {
  const { dialect, batch, hello, numberMax, documentIsText } = spoken('csv-frames');
  const one = batch(1, LORCA);
  const data = (text: string): Buffer => ascii(`${String(text.length).padStart(4, '0')}0${text}`);
  const line = 'a,b,1,2000-01-01,7/';
  const lines = (text: string): Buffer => data(line + text);
  const notFrames: readonly Reject[] = [
    ...each(
      ['x0010', '00-10', ' 0010', '000:0', '000/0', '-0010', 'GET /'].map(text => [
        text,
        ascii(text),
      ]),
      `${MALFORMED}a frame whose length is not 4 digits`,
    ),
    ...each(
      ['00012', '0001\0', '0000/'].map(text => [JSON.stringify(text), ascii(text)]),
      'unknown-message: a frame whose flag is not 0 or 1',
    ),
    ['an end of 1 byte', ascii('00011'), `${MALFORMED}an end of 1 bytes`],
    ['an end of 9999 bytes', ascii('99991'), `${MALFORMED}an end of 9999 bytes`],
  ];
  return {
    dialect,
    golden: CSV_FRAMES,
    hello: hello(1),
    batch,
    batchBytesMax: ({ payloadBytesMax }) => Math.min(payloadBytesMax + 5, 8006),
    slackBytes: 0,
    isSendable: bet => !/[,/]/.test(namesBoth(bet)),
    keepsZeros: true,
    numberMax,
    documentIsText,
    central: {
      rejects: [
        ...notFrames,
        [
          'a frame of 8185 bytes',
          ascii('81850'),
          `${TOO_LARGE}a frame of 8185 bytes, at most 8184`,
        ],
        ['the largest length', ascii('99990'), `${TOO_LARGE}a frame of 9999 bytes, at most 8184`],
        [
          'a length that reaches into the next message',
          joined(patched(one, 3, '38'), one),
          tooFew(1),
        ],
        ['a length that is one too low', patched(one, 3, '36'), tooFew(0)],
        ['a line with four fields', lines('a,b,1,2000-01-01/'), tooFew(1)],
        ['a line with six fields', lines('a,b,1,2000-01-01,1,/'), tooMany(1)],
        ['a line of commas', lines(`${','.repeat(500)}/`), tooMany(1)],
        ['a line without anything', lines('/'), tooFew(1)],
        ...Array.from({ length: line.length - 1 }, (_, length): Reject => {
          return [
            `a line cut after ${length + 1} bytes`,
            lines(line.slice(0, length + 1)),
            tooFew(1),
          ];
        }),
      ],
      waits: [ascii('81840')],
      accepts: [
        [
          'quotes, which belong to the name',
          data('"a",b,1,2000-01-01,007/'),
          { kind: 'batch', payload: '"a",b,1,2000-01-01,007/' },
        ],
      ],
    },
    agency: {
      rejects: [
        ...notFrames,
        ...each(
          ['', 'ERR', 'ack', 'ACK ', '30904465 ', '-1', 'Ñ'].map(text => [
            JSON.stringify(text),
            data(text),
          ]),
          `${MALFORMED}a frame that is neither ACK nor a document`,
        ),
        [
          'ACK among the winners',
          joined(data('1'), data('ACK')),
          `${MALFORMED}a frame that is neither`,
        ],
      ],
      waits: [ascii('99990')],
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
          'something that is no bet',
          bytes('03 0001 02'),
          `${MALFORMED}operation 2 in the place of a bet`,
        ],
        [
          'something else after a bet',
          bytes(`03 0002 ${lorca} 03`),
          `${MALFORMED}operation 3 in the place`,
        ],
        ['fewer bets than it has, none', patched(one, 1, '0000'), 'unknown-message: operation 1'],
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
        // Each bet has 12 bytes at least: 682 of them and the head are 8187.
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
          'another answer after the announcement',
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

export const OTHERS: readonly CodecCase[] = [pushCodes(), checkWin(), csvFrames(), opCodes()];
