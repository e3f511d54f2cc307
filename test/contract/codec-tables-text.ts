import { CHECK_WIN } from '../golden/check-win.ts';
import { CSV_FRAMES } from '../golden/csv-frames.ts';
import { LORCA } from '../golden/golden.ts';
import type { CodecCase, Reject } from './codec-contract.ts';
import { each, MALFORMED, namesBoth, TOO_LARGE, tooFew, tooMany } from './codec-refusals.ts';
import { ascii, bytes, counted, joined, NOTHING, patched, u32 } from './spoken-dialect.ts';
import { spoken } from './spoken-dialects.ts';

/** Tables of the text dialects. */

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
        ['an empty line', lines('/'), tooFew(1)],
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

export const TEXT: readonly CodecCase[] = [checkWin(), csvFrames()];
