import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { FaultyFiles } from '../store/faulty-files.ts';
import { bet, conn, END, frame, helo, nbet, row, sbet, welc } from '../support/base-frames.ts';
import { takeTurns, TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';
import { Peer } from '../support/peer.ts';
import { startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** A disk whose syncs the test holds, by file name. */
function holdSyncs(files: FaultyFiles) {
  const waiting = new Map<string, () => void>();
  files.onSync = async name => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(name, resolve);
    await promise;
  };
  return {
    names: (): string[] => [...waiting.keys()].toSorted(),
    letGo(name: string): void {
      waiting.get(name)?.();
      waiting.delete(name);
    },
  };
}

describe('P1 An acknowledgement means on disk', () => {
  test.each([
    [
      'a bet of the base protocol',
      conn(1),
      frame('BET', bet(11).join('|')),
      ['bets.csv', 'bets.journal'],
    ],
    ['a batch of the base protocol', conn(1), nbet(bet(11)), ['bets.csv', 'bets.journal']],
    ['a batch of an upload', helo(1), sbet(1, bet(11)), ['bets.csv', 'bets.journal']],
    ['a refused batch of an upload', helo(1), sbet(1, bet('x')), ['bets.journal']],
    ['END', conn(1), END, ['bets.journal']],
  ])('%s is answered only after the syncs', async (_, greeting, request, syncs) => {
    const files = new FaultyFiles();
    const { store } = await CsvStore.open('/data', { files });
    const central = await TestCentral.open({ store, lottery: new Lottery([1, 2]) });
    const [peer, other] = [await central.connect(), await central.agency(2)];
    peer.send(greeting);
    if (greeting.includes('HELO')) expect(await peer.frame()).toBe(welc(1));
    const before = peer.socket.bytesRead;
    const held = holdSyncs(files);
    onTestFinished(async () => {
      files.onSync = undefined;
      for (const name of held.names()) held.letGo(name);
      await store.close();
    });
    peer.send(request);
    for (let left: readonly string[] = syncs; left.length > 0; left = left.slice(1)) {
      await until(() => held.names().length >= left.length, `the syncs of ${left.join()}`);
      expect(held.names()).toEqual(left);
      // Others are served meanwhile; this agency receives nothing.
      await takeTurns(other);
      expect(peer.socket.bytesRead).toBe(before);
      const logged = ['batch-stored', 'bet-stored', 'agency-finished'];
      expect(central.events.filter(({ event }) => logged.includes(event))).toEqual([]);
      held.letGo(left[0]!);
    }
    expect(await peer.frame()).toMatch(/^OK$|^FAIL invalid-bet\|0\|1\|/);
  });

  test('acknowledged messages are in both files after an immediate SIGKILL', async () => {
    const folder = await temporaryFolder();
    const { server, port } = await startServer(folder);
    const [base, upload] = [await Peer.connect(port), await Peer.connect(port)];
    base.send(Buffer.concat([conn(1), nbet(bet(11), bet(12))]));
    upload.send(Buffer.concat([helo(2, 'file'), sbet(1, bet(21)), sbet(2, bet(22)), END]));
    expect(await base.frame()).toBe('OK');
    expect(await upload.frames(4)).toEqual([welc(1), 'OK', 'OK', 'OK']);
    server.kill('SIGKILL');
    await server.exited;
    const rows = (await readFile(join(folder, 'bets.csv'), 'utf8')).split(/(?<=\r\n)/);
    expect(rows.toSorted()).toEqual([row(1, 11), row(1, 12), row(2, 21), row(2, 22)]);
    const journal = await readFile(join(folder, 'bets.journal'), 'utf8');
    const bytes = row(1, 11).length;
    for (const vouching of [
      `[1,2,${2 * bytes}]`,
      `[2,1,${bytes},"file",1]`,
      `[2,1,${bytes},"file",2]`,
      '"type":"finished","agency":2,"upload":"file"',
    ]) {
      expect(journal).toContain(vouching);
    }
  });
});
