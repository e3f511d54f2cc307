import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bet, conn, helo, nbet, range, row, sbet, welc } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const BETS = 40;

/** A batch with one invalid bet. */
const withFault = (at: number): string[][] =>
  range(BETS).map(index => bet(index === at ? 'x' : 100 + index));

const GOOD = range(BETS).map(index => bet(500 + index));
const GOOD_ROWS = GOOD.map(([, , document]) => row(1, document!)).join('');

describe('P2 All or nothing', () => {
  test.each([0, 20, BETS - 1])('a bad bet at index %i refuses the whole batch', async at => {
    const folder = await temporaryFolder();
    const { port } = await startServer(folder);
    const base = await Peer.connect(port);
    base.send(Buffer.concat([conn(1), nbet(...withFault(at))]));
    expect(await base.lastFrames()).toEqual(['NOK']);
    const upload = await Peer.connect(port);
    upload.send(Buffer.concat([helo(1), sbet(1, ...withFault(at)), sbet(2, ...GOOD)]));
    expect(await upload.frames(3)).toEqual([
      welc(1),
      `FAIL invalid-bet|0|1|${at}|document|not-digits`,
      'OK',
    ]);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(GOOD_ROWS);
  });

  test('a batch torn by a crash is absent after the restart', async () => {
    const folder = await temporaryFolder();
    const first = await startServer(folder);
    const peer = await Peer.connect(first.port);
    peer.send(Buffer.concat([helo(1), sbet(1, ...GOOD)]));
    expect(await peer.frames(2)).toEqual([welc(1), 'OK']);
    first.server.kill('SIGKILL');
    await first.server.exited;
    // The remains of a crash during the next batch: complete rows, part of a row, and half of a
    // line.
    const part = GOOD_ROWS.slice(0, row(1, 500).length * 3 + 10);
    await appendFile(join(folder, 'bets.csv'), part);
    await appendFile(join(folder, 'bets.journal'), '{"n":3,"type":"group","end":');
    const { port } = await startServer(folder);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(GOOD_ROWS);
    const again = await Peer.connect(port);
    again.send(Buffer.concat([helo(1), sbet(2, bet(999))]));
    expect(await again.frames(2)).toEqual([welc(2), 'OK']);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(GOOD_ROWS + row(1, 999));
  });
});
