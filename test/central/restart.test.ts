import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { type Files, NODE_FILES } from '../../src/store/csv/files.ts';
import {
  bet,
  conn,
  done,
  END,
  GWIN,
  helo,
  nbet,
  range,
  row,
  sbet,
  WAIT,
  failFinished,
} from '../support/base-frames.ts';
import { noPause } from '../store/store-folder.ts';
import { TestCentral } from '../support/test-central.ts';
import type { Peer } from '../support/peer.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** The real disk, full for the record of a draw. */
const NO_ROOM_FOR_DRAW: Files = {
  ...NODE_FILES,
  open: async path => {
    const file = await NODE_FILES.open(path);
    const write = file.write.bind(file);
    file.write = async (buffers, position) => {
      if (Buffer.concat(buffers).includes('"type":"draw"'))
        throw Object.assign(new Error('no room'), { code: 'ENOSPC', syscall: 'write' });
      return write(buffers, position);
    };
    return file;
  },
};

/** One process of a server: its store and its central. */
interface Life {
  readonly folder: string;
  readonly central: TestCentral;
  readonly store: CsvStore;
}

async function start(folder: string, files = NODE_FILES, agencies = [1, 2]): Promise<Life> {
  const lottery = new Lottery(agencies);
  const onFact = lottery.apply.bind(lottery);
  const { store } = await CsvStore.open(folder, { files, onFact, pause: noPause });
  const central = await TestCentral.open({ store, lottery, limits: { lingerTimeoutMs: 50 } });
  return { folder, central, store };
}

type End = 'stopped' | 'killed';

/**
 * Ends a process and starts the next one. A killed one continues without an effect: the next starts
 * with a copy of its files at this moment, in the middle of writes. (The journal is copied first:
 * it must not list rows that are missing.)
 */
async function restart({ folder, central }: Life, end: End, agencies?: number[]): Promise<Life> {
  if (end === 'stopped') {
    await central.stop();
    await central.central.close();
    return start(folder, undefined, agencies);
  }
  const copy = await temporaryFolder();
  for (const file of ['bets.journal', 'bets.csv'])
    copyFileSync(join(folder, file), join(copy, file));
  const next = await start(copy, undefined, agencies);
  await central.stop();
  await central.central.close();
  return next;
}

const rowsIn = ({ folder }: Life): string => readFileSync(join(folder, 'bets.csv'), 'utf8');
const linesIn = ({ folder }: Life, type: string): number =>
  readFileSync(join(folder, 'bets.journal'), 'utf8').split(`"type":"${type}"`).length - 1;

const INVALID = 'FAIL invalid-bet|0|2|1|document|not-digits';
const OPEN =
  'FAIL upload-open|1|upload u of the agency is unfinished, 3 bets of it are stored; send the same file again, or \'loteria agency void 1 --upload u --reason "…"\'';
const FAIL_DRAWN =
  "FAIL draw-closed|1|the draw has been held; the next lottery begins with 'loteria draw new' while no server runs; with containers, 'make docker-compose-down', or 'down --volumes' of a cluster; with a database, another STORE_LOTTERY";

describe.each(['stopped', 'killed'] as const)('a restarted server (%s, promise P6)', end => {
  test('remembers uploads, sequence numbers, refused batches and finished agencies', async () => {
    const agencies = [1, 2, 3];
    const first = await start(await temporaryFolder(), undefined, agencies);
    const [u, v] = [await first.central.uploader(1), await first.central.uploader(3, 'v')];
    const bad = sbet(2, bet(12), bet('x'));
    expect(
      await u.ask(nbet(bet(16)), sbet(1, bet(11, 7574)), bad, sbet(3, bet(13), bet(14))),
    ).toEqual(['OK', 'OK', INVALID, 'OK']);
    expect(await v.ask(sbet(1, bet(15)))).toEqual(['OK']);
    const empty = await first.central.uploader(2, 'empty');
    expect(await empty.ask(done(0, 0), END)).toEqual(['OK', 'OK']);

    const life = await restart(first, end, agencies);
    const { central } = life;
    expect(central.of('draw-held')).toEqual([]);
    expect(await (await central.uploader(2, 'empty')).ask(done(0, 0), END, GWIN)).toEqual([
      'OK',
      'OK',
      'NEND',
    ]);
    expect(await central.last(helo(2, 'other'))).toEqual([failFinished(2)]);
    expect(await central.last(conn(2), nbet(bet(21)))).toEqual(['NOK']);
    // Only the uploads of agencies 1 and 3 may continue.
    expect(await central.last(helo(1, 'other'))).toEqual([OPEN]);
    expect(await central.last(conn(1), nbet(bet(21)))).toEqual(['NOK']);
    expect(await central.last(conn(1), END)).toEqual(['NOK']);
    await central.betUploader(1, 'u', 6, 2);
    expect(await (await central.uploader(3, 'v', 2)).ask(done(1, 1), END)).toEqual(['OK', 'OK']);
    const again = await central.uploader(1, 'u', 4);
    expect(
      await again.ask(sbet(1, bet(11, 7574)), bad, sbet(3, bet(13), bet(14)), sbet(4, bet(17))),
    ).toEqual(['OK', INVALID, 'OK', 'OK']);
    expect(await again.ask(done(3, 4), END, WAIT)).toEqual(['OK', 'OK', 'RWIN 1|11']);
    const documents = [16, 11, 13, 14, 15, 17];
    const rows = documents
      .map(document => row(document === 15 ? 3 : 1, document, document === 11 ? 7574 : 1))
      .join('');
    expect(rowsIn(life)).toBe(rows);
    expect(central.of('draw-held')).toMatchObject([
      { bets: 6, winners: 1, seal: createHash('sha256').update(rows).digest('hex') },
    ]);
  });

  test('holds a draw that was due', async () => {
    const first = await start(await temporaryFolder(), NO_ROOM_FOR_DRAW, [1]);
    const peer = await first.central.uploader(1);
    expect(await peer.ask(sbet(1, bet(1, 7574)))).toEqual(['OK']);
    expect(await peer.ask(END)).toEqual(['OK']);
    await first.central.seen('draw-delayed');
    expect(first.central.of('draw-held')).toEqual([]);

    const life = await restart(first, end, [1]);
    expect(await (await life.central.uploader(1, 'u', 2)).ask(WAIT)).toEqual(['RWIN 1|1']);
    await life.central.seen('draw-held');
    expect(linesIn(life, 'draw')).toBe(1);
  });

  test('after the draw returns the winners, refuses bets and holds no other draw', async () => {
    const first = await start(await temporaryFolder());
    for (const agency of [1, 2]) {
      const peer = await first.central.uploader(agency);
      const bets = range(3).map(index => bet(10 * agency + index, index === 1 ? 1 : 7574));
      expect(await peer.ask(sbet(1, ...bets), done(1, 3), END)).toEqual(['OK', 'OK', 'OK']);
    }
    await first.central.seen('draw-held');

    // Twice, and once with an agency that did not take part.
    let life = await restart(first, end);
    life = await restart(life, end, [1, 2, 3]);
    const { central } = life;
    for (const agency of [1, 2]) {
      const winners = `RWIN 2|${agency}0|${agency}2`;
      const peer = await central.uploader(agency, 'u', 2);
      expect(await peer.ask(WAIT, GWIN, END, done(1, 3), sbet(1, bet(9)))).toEqual([
        winners,
        winners,
        'OK',
        'OK',
        'OK',
      ]);
      peer.send(sbet(2, bet(9)));
      expect(await peer.lastFrames()).toEqual([FAIL_DRAWN]);
      expect(await central.last(helo(agency, 'other'))).toEqual([FAIL_DRAWN]);
      expect(await central.last(conn(agency), END, GWIN, nbet(bet(9)))).toEqual([
        'OK',
        winners,
        'NOK',
      ]);
    }
    expect(await central.last(conn(3), GWIN, nbet(bet(9)))).toEqual(['RWIN 0|', 'NOK']);
    expect(await central.last(conn(3), END)).toEqual(['NOK']);
    expect(central.of('message-refused').at(-1)?.refusal.code).toBe('draw-closed');
    expect(await central.last(helo(3))).toEqual([FAIL_DRAWN]);
    expect(central.of('draw-held')).toEqual([]);
    expect(linesIn(life, 'draw')).toBe(1);
    expect(rowsIn(life).split('\r\n')).toHaveLength(7);
    // The refusal left nothing that would stop the next start.
    await restart(life, end);
  });
});

describe('an upload across any restarts of the server (promises P1, P3, P6)', () => {
  const life = fc.record({
    /** Batches sent without waiting. */
    sent: fc.integer({ min: 0, max: 20 }),
    /** Largest number of awaited answers. */
    heard: fc.integer({ min: 0, max: 20 }),
    end: fc.constantFrom<End>('stopped', 'killed'),
  });
  const isValid = (seq: number): boolean => seq % 5 !== 0;
  const batch = (seq: number): Buffer =>
    sbet(seq, bet(seq, seq % 3 === 0 ? 7574 : 1), ...(isValid(seq) ? [] : [bet('x')]));

  test.prop([fc.array(life, { minLength: 1, maxLength: 4 })], {
    numRuns: 8,
    interruptAfterTimeLimit: 15_000,
  })('stores each acknowledged batch once and resumes after the last durable one', async lives => {
    let current = await start(await temporaryFolder(), undefined, [1]);
    let acknowledged = 0;
    let sentMost = 0;
    const connect = async (): Promise<readonly [Peer, number]> => {
      const peer = await current.central.connect();
      peer.send(helo(1));
      const next = Number(/^WELC (\d+)\|/.exec(await peer.frame())?.[1]);
      // Everything acknowledged is stored, and nothing that was not sent.
      expect(next).toBeGreaterThan(acknowledged);
      expect(next).toBeLessThanOrEqual(sentMost + 1);
      return [peer, next];
    };
    for (const { sent, heard, end } of lives) {
      const [peer, next] = await connect();
      peer.send(Buffer.concat(range(sent).map(index => batch(next + index))));
      sentMost = Math.max(sentMost, next - 1 + sent);
      const answers = await peer.frames(Math.min(sent, heard));
      for (const [index, answer] of answers.entries()) {
        expect(answer.startsWith(isValid(next + index) ? 'OK' : 'FAIL invalid-bet|0|')).toBe(true);
      }
      acknowledged = Math.max(acknowledged, next - 1 + answers.length);
      current = await restart(current, end, [1]);
    }
    const [peer, next] = await connect();
    const seqs = range(sentMost + 2).map(index => index + 1);
    const stored = seqs.filter(isValid);
    peer.send(Buffer.concat(seqs.slice(next - 1).map(batch)));
    await peer.frames(seqs.length - next + 1);
    const winners = stored.filter(seq => seq % 3 === 0);
    expect(await peer.ask(done(stored.length, stored.length), END, WAIT)).toEqual([
      'OK',
      'OK',
      `RWIN ${winners.length}|${winners.join('|')}`,
    ]);
    expect(rowsIn(current)).toBe(stored.map(seq => row(1, seq, seq % 3 === 0 ? 7574 : 1)).join(''));
    peer.end();
    await current.central.stop();
    await current.central.central.close();
  });
});
