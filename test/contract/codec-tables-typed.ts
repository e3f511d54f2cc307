import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { BASE } from '../golden/base.ts';
import { LORCA, NANDU } from '../golden/golden.ts';
import { RESUMABLE } from '../golden/resumable.ts';
import { words } from '../support/words.ts';
import type { CodecCase, HalfTable, Reject } from './codec-contract.ts';
import { each, MALFORMED, namesBoth, TOO_LARGE, tooFew, tooMany } from './codec-refusals.ts';
import { ascii, counted, joined, patched, u32 } from './spoken-dialect.ts';
import { spoken } from './spoken-dialects.ts';

/** Tables of the base protocol and its extension. */

const typed = (type: string, payload?: Uint8Array | string): Buffer =>
  joined(ascii(type.padEnd(4, '\0')), payload === undefined ? '' : counted(u32, payload));

/** The header of a typed frame. */
const header = (type: string, length: number): Buffer =>
  joined(ascii(type.padEnd(4, '\0')), u32(length));

const typedWith = (type: string, payloads: readonly string[]): [string, Buffer][] =>
  payloads.map(text => [`${type} ${JSON.stringify(text)}`, typed(type, text)]);

const unknown = (...types: readonly string[]): readonly Reject[] =>
  each(
    types.map(type => [JSON.stringify(type), ascii(type.padEnd(4, '\0'))]),
    'unknown-message: type 0x',
  );

/** Types with a payload at the limit, above it, and of 4 GiB. */
function limited(limits: Readonly<Record<string, number>>): Pick<HalfTable, 'rejects' | 'waits'> {
  const entries = Object.entries(limits);
  return {
    rejects: entries.flatMap(([type, most]) =>
      [most + 1, 0x80000000, 0xffffffff].map((length): Reject => {
        const refusal = `${TOO_LARGE}${type} of ${length} bytes, at most ${most} are taken`;
        return [`${type} of ${length} bytes, by its header`, header(type, length), refusal];
      }),
    ),
    waits: entries.map(([type, most]) => header(type, most)),
  };
}

function base(): CodecCase {
  const { batch, hello, numberMax, documentIsText } = spoken('tp0');
  const one = batch(1, LORCA);
  const toCentral = limited({ NBET: 8184, BET: 8184, CONN: 16 });
  const toAgency = limited({ RWIN: 64 * 1024 * 1024 });
  return {
    dialect: createBaseDialect(new PlainBetReader()),
    golden: BASE,
    hello: hello(1),
    batch,
    batchBytesMax: ({ payloadBytesMax }) => 8 + payloadBytesMax,
    // Digits of the largest count.
    slackBytes: 4,
    isSendable: bet => !namesBoth(bet).includes('|'),
    keepsZeros: true,
    numberMax,
    documentIsText,
    central: {
      rejects: [
        ...unknown('OK', 'NOK', 'NEND', 'RWIN', 'HELO', 'SBET', 'DONE', 'WAIT', 'conn', 'BET '),
        ...unknown('END ', 'GET ', '\0END', 'ENDE', '\0\0\0\0', '\xff\xff\xff\xff'),
        ...each(
          typedWith('CONN', [
            ...words('0 65536 00000000001 -1 1| x'),
            '',
            '1 ',
            ' 1',
            '1\n',
            '1\0',
          ]),
          `${MALFORMED}CONN without an agency id`,
        ),
        ...toCentral.rejects,
        ['a length that is five too low', patched(one, 7, '2b'), tooFew(0)],
        [
          'a length that reaches into the next message',
          joined(patched(one, 7, '32'), one),
          'invalid-bet: bet 0, number, not-digits',
        ],
        ['a count larger than its bets', typed('NBET', joined('2', one.subarray(9))), tooFew(1)],
        [
          'a count smaller than its bets',
          typed('NBET', batch(1, LORCA, NANDU).fill('1', 8, 9).subarray(8)),
          tooMany(1),
        ],
        [
          'a count that is not a number',
          typed('NBET', 'x|'),
          'invalid-bet: bet 0, batch, count-not-a-number',
        ],
      ],
      waits: toCentral.waits,
      accepts: [
        ['CONN 0000000005', typed('CONN', '0000000005'), { kind: 'identify', agency: 5 }],
        ['CONN 65535', typed('CONN', '65535'), { kind: 'identify', agency: 65_535 }],
      ],
    },
    agency: {
      rejects: [
        ...unknown('CONN', 'BET', 'NBET', 'END', 'GWIN', 'WELC', 'FAIL', 'PING', 'ok', 'HTTP'),
        ...each(
          typedWith('RWIN', [
            ...words('| 1 1| 1|11|12 2|11 0|11 -1| x|11 1.0|11 +1|11 |11'),
            '',
            ' 1|11',
          ]),
          `${MALFORMED}RWIN announces`,
        ),
        ...toAgency.rejects,
      ],
      waits: toAgency.waits,
      accepts: [],
    },
  };
}

function resumable(): CodecCase {
  const extension = limited({ HELO: 86, SBET: 8184, DONE: 31, ACTA: 15, DIFF: 96 });
  const answers = limited({ WELC: 63, FAIL: 2048 });
  const notNumbers = [...words('-1 +1 x 1.0 0x1 １ 1000000000000000'), ' 1', '1 ', '', '1\n'];
  const brokenFails = words(`
    invalid-bet|0 invalid-bet|0| invalid-bet|0|1|0|number
    invalid-bet|0|1|0|number| invalid-bet|0|1|0||empty
    invalid-bet|0|0|0|number|empty invalid-bet|0|x|0|number|empty
    invalid-bet|0|1|-1|number|empty invalid-bet|0|1||number|empty
    invalid-bet|0|1000000000000000|0|number|empty
  `);
  return {
    ...base(),
    dialect: spoken('tp0').dialect,
    golden: [...BASE, ...RESUMABLE],
    // Digits of the largest count and of the largest number, and a separator.
    slackBytes: 4 + 16,
    central: {
      rejects: [
        ...unknown('WELC', 'FAIL', 'PING', 'OK', 'RWIN', 'helo', 'sbet', 'WAI', 'XXXX'),
        ...each(
          typedWith('HELO', [
            ...words(`
              | 1 1| |u 0|u 65536|u -1|u x|u 1.0|u 00000000001|u 1|u|x 1|u|bet 1|u|Bets
              1|u|bets| 1|u|bets|bets 1||bets 1||u 1|ñ 1|a/b 1|a:b 1|a+b 1|"u" １|u
            `),
            '',
            ' 1|u',
            '1 |u',
            '1|u| bets',
            '1|u u',
            '1|u\n',
            '1|u\0',
            `1|${'u'.repeat(65)}`,
          ]),
          `${MALFORMED}HELO without`,
        ),
        ...each(
          typedWith('SBET', ['0|0|', '00|0|', '1', '|', ...notNumbers.map(text => `${text}|0|`)]),
          `${MALFORMED}SBET without a number from 1`,
        ),
        ...each(
          typedWith('DONE', [
            '1',
            '1|2|',
            '1|2|3',
            ...notNumbers.flatMap(text => [`${text}|0`, `0|${text}`]),
          ]),
          `${MALFORMED}DONE without two numbers`,
        ),
        ...extension.rejects,
      ],
      waits: extension.waits,
      accepts: [
        [
          'HELO with the longest id and upload',
          typed('HELO', `0000065535|${'u'.repeat(64)}|bets`),
          { kind: 'resume', agency: 65_535, upload: 'u'.repeat(64), countsBets: true },
        ],
        [
          'DONE with the largest numbers',
          typed('DONE', '999999999999999|999999999999999'),
          { kind: 'upload-done', batches: 999_999_999_999_999, bets: 999_999_999_999_999 },
        ],
        ['DONE with zeros', typed('DONE', '0|0'), { kind: 'upload-done', batches: 0, bets: 0 }],
      ],
    },
    agency: {
      rejects: [
        ...unknown('HELO', 'SBET', 'DONE', 'WAIT', 'CONN', 'ping', 'XXXX'),
        ...each(
          typedWith('WELC', [
            // Three fields answer an older agency, which numbers batches.
            '',
            '1|64',
            '1|64|8184',
            '0|64|8184|0',
            '1|0|8184|0',
            '1|64|0|0',
            '1|64|8184|0|9',
            ...notNumbers.flatMap(text => [`${text}|64|8184|0`, `1|64|8184|${text}`]),
          ]),
          `${MALFORMED}WELC without`,
        ),
        ...each(typedWith('FAIL', brokenFails), `${MALFORMED}FAIL without the bet`),
        ...answers.rejects,
      ],
      waits: answers.waits,
      // Codes of a newer version.
      accepts: ['', '|', 'x', 'new-code|1|why', 'NEW|0|why', 'toString|1|'].map(text => {
        const [code, , ...rest] = text.split('|');
        const detail = `${code} ${rest.join(' ')}`;
        const message = { kind: 'refused', refusal: { code: 'unknown-message', detail } };
        return [`FAIL ${JSON.stringify(text)}`, typed('FAIL', text), message] as const;
      }),
    },
  };
}

export const TYPED: readonly CodecCase[] = [base(), resumable()];
