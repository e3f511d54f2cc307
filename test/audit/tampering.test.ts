import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { betWith, rowOf } from '../lottery/bets.ts';
import { sha256 } from '../store/store-folder.ts';
import { HAS_PYTHON } from '../lottery/python.ts';
import { audit, auditorsCopy, auditWithPython, edit, write } from './auditors.ts';
import { BETS, closedLottery } from './closed-lottery.ts';

/** Changes the rows of `bets.csv`. */
function editRows(folder: string, change: (rows: string[]) => void): void {
  edit(folder, 'bets.csv', text => {
    const rows = text.split(/(?<=\r\n)/);
    change(rows);
    return rows.join('');
  });
}

interface Tampering {
  readonly what: string;
  readonly tamper: (folder: string) => void | Promise<void>;
  /** The checks that find it, of `loteria audit` and of the script. */
  readonly audit: string;
  readonly python: string;
}

const TAMPERINGS: readonly Tampering[] = [
  {
    what: 'an added bet',
    tamper: folder => editRows(folder, rows => rows.push(rowOf(betWith({ agency: 2, number: 5 })))),
    audit: 'length of bets.csv, SHA-256 of bets.csv, bets, bets of agency 2',
    python: 'agency 2, bets, bytes, sha256',
  },
  {
    what: 'a changed bet',
    tamper: folder => edit(folder, 'bets.csv', text => text.replace(',1\r\n', ',2\r\n')),
    audit: 'SHA-256 of bets.csv, bets of agency 1',
    python: 'agency 1, sha256',
  },
  {
    what: 'a dropped winner',
    tamper: folder => editRows(folder, rows => rows.shift()),
    audit:
      'length of bets.csv, SHA-256 of bets.csv, bets, bets of agency 1, winners, winners of agency 1',
    python: 'agency 1, bets, bytes, sha256, agency 1, winners',
  },
  {
    what: 'a bet moved to another agency',
    tamper: folder => editRows(folder, rows => (rows[5] = rows[5]!.replace(/^3,/, '2,'))),
    audit: 'SHA-256 of bets.csv, bets of agency 2, bets of agency 3',
    python: 'agency 2, agency 3, sha256',
  },
  {
    what: 'a bet moved to an agency that did not take part',
    tamper: folder => editRows(folder, rows => (rows[5] = rows[5]!.replace(/^3,/, '9,'))),
    audit: 'SHA-256 of bets.csv, bets of agency 3, bets of agency 9',
    python: 'agency 3, agency 9, sha256',
  },
  {
    what: 'two swapped bets of two agencies',
    tamper: folder => editRows(folder, rows => ([rows[2], rows[3]] = [rows[3]!, rows[2]!])),
    audit: 'SHA-256 of bets.csv',
    python: 'sha256',
  },
  {
    what: 'two swapped winners of an agency',
    tamper: folder => editRows(folder, rows => ([rows[0], rows[2]] = [rows[2]!, rows[0]!])),
    audit: 'SHA-256 of bets.csv, bets of agency 1, winners of agency 1',
    python: 'agency 1, sha256, agency 1',
  },
  {
    what: 'a row that is no bet',
    tamper: folder => edit(folder, 'bets.csv', text => text.replace('1999-03-17', '1999-02-30')),
    audit: 'rows of bets.csv, SHA-256 of bets.csv',
    python: 'fila 1 de bets.csv, agency 1, bets, sha256, agency 1, winners',
  },
  {
    what: 'an agency with a zero before it',
    tamper: folder => editRows(folder, rows => (rows[0] = `0${rows[0]!}`)),
    audit: 'rows of bets.csv, length of bets.csv, SHA-256 of bets.csv',
    python: 'agency 01, agency 1, bytes, sha256, agency 01, agency 1',
  },
  {
    what: 'a blank line',
    tamper: folder => editRows(folder, rows => rows.splice(1, 0, '\r\n')),
    audit: 'rows of bets.csv, length of bets.csv, SHA-256 of bets.csv',
    python: 'fila 2 de bets.csv, bytes, sha256',
  },
  {
    what: 'a last row without its line end',
    tamper: folder => edit(folder, 'bets.csv', text => text.trimEnd()),
    audit: 'length of bets.csv, SHA-256 of bets.csv, bets of agency 3',
    python: 'agency 3, bytes, sha256',
  },
  {
    what: 'a file of bytes without line ends',
    tamper: folder => write(folder, 'bets.csv', Buffer.alloc(2 * 1024 * 1024, 0x78)),
    audit: 'rows of bets.csv, length of bets.csv, SHA-256 of bets.csv',
    python:
      'fila 1 de bets.csv, agency 1, agency 2, agency 3, bets, bytes, sha256, agency 1, agency 2, winners',
  },
  {
    what: 'an empty file in place of the bets',
    tamper: folder => write(folder, 'bets.csv', ''),
    audit:
      'length of bets.csv, SHA-256 of bets.csv, bets, bets of agency 1, bets of agency 2, bets of agency 3, winners, winners of agency 1, winners of agency 2',
    python: 'agency 1, agency 2, agency 3, bets, bytes, sha256, agency 1, agency 2, winners',
  },
  {
    what: 'an acta of another lottery with the same bets',
    tamper: async folder => {
      const other = await closedLottery({ begun: '2024-08-22T10:00:00.000Z' });
      copyFileSync(join(other, 'acta.txt'), join(folder, 'acta.txt'));
    },
    audit: 'lottery of the draw, SHA-256 of acta.txt',
    python: 'acta-sha256, lottery',
  },
  {
    what: 'an acta with another number',
    tamper: folder => edit(folder, 'acta.txt', text => text.replace('acta: 1', 'acta: 2')),
    audit: 'acta of the draw, SHA-256 of acta.txt',
    python: 'acta, acta-sha256',
  },
  {
    what: 'a draw over other bets',
    tamper: async folder => {
      const [first, ...rest] = BETS;
      const other = await closedLottery({
        bets: [[...first!, betWith({ document: '99' })], ...rest],
      });
      copyFileSync(join(other, 'acta-sorteo.txt'), join(folder, 'acta-sorteo.txt'));
    },
    audit: 'SHA-256 of acta.txt, winners, winners of agency 1',
    python: 'acta-sha256, agency 1, winners',
  },
  {
    what: 'a winner missing from the draw',
    tamper: folder =>
      edit(folder, 'acta-sorteo.txt', text =>
        text
          .replace('winners: 3', 'winners: 2')
          .replace(/agency 1: .*/, `agency 1: winners 1 sha256 ${sha256('11\n')}`),
      ),
    audit: 'winners, winners of agency 1',
    python: 'agency 1, winners',
  },
  {
    what: 'a winner replaced in the draw',
    tamper: folder =>
      edit(folder, 'acta-sorteo.txt', text =>
        text.replace(/agency 2: .*/, `agency 2: winners 1 sha256 ${sha256('21\n')}`),
      ),
    audit: 'winners of agency 2',
    python: 'agency 2',
  },
  {
    what: 'an agency missing from the draw',
    tamper: folder => edit(folder, 'acta-sorteo.txt', text => text.replace(/agency 3: .*\n/, '')),
    audit: 'winners of agency 3',
    python: 'agency 3',
  },
  {
    what: 'another winning number',
    tamper: folder =>
      edit(folder, 'acta-sorteo.txt', text => text.replace('number: 7574', 'number: 3')),
    audit: 'winning number',
    python: 'number',
  },
  {
    what: 'an agency listed twice in the acta',
    tamper: folder =>
      edit(folder, 'acta.txt', text =>
        text.replace(/(agency 4: .*\n)/, '$1agency 4: bets 0 sha256 00\n'),
      ),
    audit: 'acta.txt',
    python: 'claves distintas de acta.txt, agency 4, acta-sha256',
  },
];

test.each(TAMPERINGS)(
  'loteria audit and docs/auditoria.py find $what',
  async ({ tamper, ...expected }) => {
    const folder = await auditorsCopy();
    await tamper(folder);
    expect(await audit(folder)).toEqual({ code: 1, differences: expected.audit.split(', ') });
    if (!HAS_PYTHON) return;
    expect(auditWithPython(folder)).toEqual({ code: 1, differences: expected.python.split(', ') });
  },
);
