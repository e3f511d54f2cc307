import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BASE, BASE_PAGE } from './base.ts';
import { CHECK_WIN, CHECK_WIN_PAGE } from './check-win.ts';
import { CSV_FRAMES, CSV_FRAMES_PAGE } from './csv-frames.ts';
import { type GoldenMessage, hexOf } from './golden.ts';
import { OP_CODES, OP_CODES_PAGE } from './op-codes.ts';
import { PUSH_CODES, PUSH_CODES_PAGE } from './push-codes.ts';
import { RESUMABLE, WELC_OLD } from './resumable.ts';

/**
 * The tables of golden bytes against the page and against themselves, before anything else is held
 * against them.
 */

const withoutSpace = (text: string): string => text.replaceAll(/\s/g, '');
const PROTOCOL_PAGE = withoutSpace(
  readFileSync(join(import.meta.dirname, '../../docs/PROTOCOL.md'), 'utf8'),
);

const DIALECTS = [
  { name: 'push-codes', messages: PUSH_CODES, page: PUSH_CODES_PAGE },
  { name: 'check-win', messages: CHECK_WIN, page: CHECK_WIN_PAGE },
  { name: 'csv-frames', messages: CSV_FRAMES, page: CSV_FRAMES_PAGE },
  { name: 'op-codes', messages: OP_CODES, page: OP_CODES_PAGE },
];

function find(messages: readonly GoldenMessage[], name: string): GoldenMessage {
  const [message, ...more] = messages.filter(candidate => candidate.name === name);
  if (message === undefined || more.length > 0)
    return expect.fail(`${more.length} more of '${name}'`);
  return message;
}

describe.each([...DIALECTS, { name: 'base', messages: BASE, page: BASE_PAGE }])(
  '$name',
  ({ messages, page }) => {
    test.each(page)('the protocol page shows %j', (names, hex) => {
      const fields = names.flatMap(name => find(messages, name).fields);
      expect(hexOf(fields)).toBe(hex.replaceAll(' ', ''));
      // What is text from end to end stands there as text.
      const text = Buffer.from(hexOf(fields), 'hex').toString('utf8');
      const shown = /^\d{5}/.test(text) ? withoutSpace(text) : hexOf(fields);
      expect(PROTOCOL_PAGE).toContain(shown);
    });

    test('message names are unique', () => {
      for (const { name } of messages) find(messages, name);
    });
  },
);

describe.each(DIALECTS)('$name', ({ messages }) => {
  // A length stands before a text: `5 bytes`, then that many; what a field says is what its bytes
  // are.
  test.each(messages)('$name: described lengths match the bytes', ({ fields }) => {
    for (const [index, [hex, says]] of fields.entries()) {
      const said = /^(\d+) bytes?(?:,|$)/.exec(says)?.[1];
      if (said === undefined || fields.length === 1) continue;
      expect(Number.parseInt(hex, 16)).toBe(Number(said));
      const rest = fields.slice(index + 1);
      const length = hexOf(index === 0 ? rest : rest.slice(0, 1)).length / 2;
      // The length of a whole message may not count the byte of its type.
      expect([length, length - 1]).toContain(Number(said));
    }
  });
});

test('push-codes: described numbers match the bytes', () => {
  const numbers = PUSH_CODES.flatMap(({ fields }) => fields).filter(([, says]) =>
    /^\d+$/.test(says),
  );
  expect(numbers.map(([hex]) => String(Number.parseInt(hex, 16)))).toEqual(
    numbers.map(([, says]) => says),
  );
});

describe('the length fields', () => {
  const bytesOf = ({ fields }: Pick<GoldenMessage, 'fields'>): Buffer =>
    Buffer.from(hexOf(fields), 'hex');

  const WELC = { name: 'WELC to an older agency', fields: WELC_OLD };
  const typed = [...BASE, ...RESUMABLE, WELC].filter(({ fields }) => fields.length > 1);

  test.each(typed)('match the bytes in base and resumable: $name', message => {
    const bytes = bytesOf(message);
    expect(bytes.readUInt32BE(4)).toBe(bytes.length - 8);
  });

  test.each(CHECK_WIN)('match the bytes in check-win: $name', message => {
    const bytes = bytesOf(message);
    expect(bytes.readUInt32BE(0)).toBe(bytes.length - 5);
  });

  test.each(PUSH_CODES.filter(({ name }) => name.startsWith('batch')))(
    'match the bytes in push-codes: $name',
    message => {
      const bytes = bytesOf(message);
      expect(bytes.readUInt16BE(0)).toBe(bytes.length - 2);
      let at = 2;
      while (at < bytes.length) at += 2 + bytes.readUInt16BE(at);
      expect(at).toBe(bytes.length);
    },
  );

  test.each(CSV_FRAMES)('match the bytes in csv-frames: $name', message => {
    let rest = bytesOf(message).toString('latin1');
    while (rest !== '') {
      expect(rest).toMatch(/^(?:\d{4}0|00001)/);
      rest = rest.slice(5 + Number(rest.slice(0, 4)));
    }
  });
});
