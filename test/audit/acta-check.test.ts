import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { textsOf } from '../lottery/bets.ts';
import { loteria, type Said } from '../store/store-folder.ts';
import { BETS, closedLottery } from './closed-lottery.ts';

/** The file of agency 1. */
const LINES = BETS[0]!.map(bet => {
  const [first, ...rest] = textsOf(bet, 4);
  return `"${first!.replaceAll('"', '""')}",${rest.join(',')}\n`;
});

async function check(content: string | Uint8Array, ...args: readonly string[]): Promise<Said> {
  const folder = await closedLottery();
  writeFileSync(join(folder, 'agency.csv'), content);
  return loteria(folder, ['acta', 'check', '--acta', 'acta.txt', '--file', 'agency.csv', ...args]);
}

describe('loteria acta check', () => {
  test('accepts the file that was sent', async () => {
    const { code, stdout, stderr } = await check(LINES.join(''), '--agency', '1');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^bets of agency 1 +ok +3$/m);
    expect(stdout).toMatch(/^SHA-256 of agency 1 +ok +[0-9a-f]{64}$/m);
  });

  test('skips and counts the lines that an upload skips', async () => {
    const content = `nombre,apellido,documento,nacimiento,numero\n${LINES.join('')}no bet\nA|a,Paz,1,1990-01-02,1\n`;
    const { code, stdout } = await check(content, '--agency', '1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^invalid lines +not checked +2, which an upload skips$/m);
  });

  test('reads another delimiter and another encoding', async () => {
    const lines = LINES.map(line => line.replaceAll(',', ';').replace('; ""la""', ', ""la""')).join(
      '',
    );
    const args = ['--delimiter', ';', '--encoding', 'windows-1252', '--agency', '1'];
    const { code } = await check(Buffer.from(lines, 'latin1'), ...args);
    expect(code).toBe(0);
  });

  test('accepts an empty file of an agency without bets', async () => {
    expect((await check('', '--agency', '4')).code).toBe(0);
  });

  test.each([
    ['a missing bet', LINES.slice(1).join(''), '1', ['bets', 'SHA-256']],
    ['an extra bet', LINES.join('') + LINES[0]!, '1', ['bets', 'SHA-256']],
    ['another order', LINES.toReversed().join(''), '1', ['SHA-256']],
    ['the bets of another agency', LINES.join(''), '2', ['bets', 'SHA-256']],
    ['an agency that the acta does not list', LINES.join(''), '9', ['bets', 'SHA-256']],
  ])('reports %s', async (_, content, agency, expected) => {
    const { code, stdout } = await check(content, '--agency', agency);
    expect(code).toBe(1);
    const differing = [
      ...stdout.matchAll(/^(\S+) of agency \d +differs +expected .+, found .+$/gm),
    ];
    expect(differing.map(([, what]) => what)).toEqual(expected);
  });

  test.each([
    [[], "required option '--agency <number>' not specified"],
    [['--agency', '0'], 'A whole number from 1 to 65535 is expected.'],
    [['--agency', '1', '--delimiter', '"'], 'Allowed: one ASCII character'],
    [['--agency', '1', '--acta', 'none.txt'], 'cannot read none.txt, it does not exist (ENOENT)'],
    [['--agency', '1', '--acta', 'agency.csv'], 'agency.csv is not an acta de cierre'],
    [['--agency', '1', '--file', 'none.csv'], 'cannot read none.csv, it does not exist (ENOENT)'],
  ])('exits with code 2 and names the fault (%j)', async (args, fault) => {
    const { code, stdout, stderr } = await check(LINES.join(''), ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(fault);
  });
});
