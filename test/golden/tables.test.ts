import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BASE, BASE_PAGE } from './base.ts';
import { CHECK_WIN, CHECK_WIN_PAGE } from './check-win.ts';
import { CSV_FRAMES, CSV_FRAMES_PAGE } from './csv-frames.ts';
import { type GoldenMessage, hexOf } from './golden.ts';
import { OP_CODES, OP_CODES_PAGE } from './op-codes.ts';
import { PUSH_CODES, PUSH_CODES_PAGE } from './push-codes.ts';

/** The golden tables match the protocol page. */

const withoutSpace = (text: string): string => text.replaceAll(/\s/g, '');
const PROTOCOL_PAGE = withoutSpace(
  readFileSync(join(import.meta.dirname, '../../docs/PROTOCOL.md'), 'utf8'),
);

const DIALECTS = [
  { name: 'base', messages: BASE, page: BASE_PAGE },
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

describe.each(DIALECTS)('$name', ({ messages, page }) => {
  test.each(page)('the protocol page shows %j', (names, hex) => {
    const fields = names.flatMap(name => find(messages, name).fields);
    expect(hexOf(fields)).toBe(hex.replaceAll(' ', ''));
    // The page shows messages of text only as text.
    const text = Buffer.from(hexOf(fields), 'hex').toString('utf8');
    const shown = /^\d{5}/.test(text) ? withoutSpace(text) : hexOf(fields);
    expect(PROTOCOL_PAGE).toContain(shown);
  });
});
