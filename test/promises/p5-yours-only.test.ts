import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bet, conn, END, GWIN, helo, nbet, WAIT } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

describe('P5 Yours only', () => {
  test('each agency receives its own winners in its order, and nothing about others', async () => {
    const { port } = await startServer(await temporaryFolder(), { NUMBER_AGENCIES: '3' });
    const peers = [await Peer.connect(port), await Peer.connect(port), await Peer.connect(port)];
    const [first, second, third] = peers as [Peer, Peer, Peer];
    // Interleaved, and with a document that two agencies share.
    first.send(Buffer.concat([conn(1), nbet(bet(13, 7574), bet(77, 7574), bet(12, 1))]));
    expect(await first.frame()).toBe('OK');
    second.send(Buffer.concat([conn(2), nbet(bet(77, 7574), bet(21, 7575))]));
    expect(await second.frame()).toBe('OK');
    first.send(nbet(bet(11, 7574)));
    third.send(Buffer.concat([conn(3), nbet(bet(31, 7573))]));
    expect([await first.frame(), await third.frame()]).toEqual(['OK', 'OK']);
    for (const peer of peers) {
      peer.send(END);
      expect(await peer.frame()).toBe('OK');
    }
    for (const [peer, answer] of [
      [first, 'RWIN 3|13|77|11'],
      [second, 'RWIN 1|77'],
      [third, 'RWIN 0|'],
    ] as const) {
      peer.send(Buffer.concat([WAIT, GWIN]));
      expect(await peer.frames(2)).toEqual([answer, answer]);
    }
    // An identified connection cannot change its agency, and an unidentified one receives nothing.
    second.send(Buffer.concat([conn(1), GWIN]));
    expect(await second.lastFrames()).toEqual([expect.stringMatching(/^FAIL malformed\|1\|/)]);
    const stranger = await Peer.connect(port);
    stranger.send(Buffer.concat([conn(4), GWIN]));
    expect(await stranger.lastFrames()).toEqual(['NOK']);
    const upload = await Peer.connect(port);
    upload.send(Buffer.concat([helo(2, 'never-seen'), GWIN]));
    expect(await upload.lastFrames()).toEqual([expect.stringMatching(/^FAIL draw-closed\|1\|/)]);
  });

  test('clients write and log their own winners only', async () => {
    const folder = await temporaryFolder();
    const { port } = await startServer(folder, { NUMBER_AGENCIES: '2' });
    const clients = await Promise.all(
      [1, 2].map(async id => {
        const lines = [`Ana,Paz,${id}000001,1990-01-02,7574`, `Eva,Paz,${id}000002,1990-01-02,1`];
        await writeFile(join(folder, `${id}.csv`), lines.join('\n').concat('\n'));
        return startClient(folder, id, port, {
          CLI_FILE_NAME: `${id}.csv`,
          CLI_WINNERS_FILE: `${id}.txt`,
        });
      }),
    );
    for (const [index, client] of clients.entries()) {
      expect(await client.exited).toEqual({ code: 0, signal: null });
      const [own, other] = index === 0 ? ['1000001', '2000001'] : ['2000001', '1000001'];
      expect(await readFile(join(folder, `${index + 1}.txt`), 'utf8')).toBe(`${own}\n`);
      expect(client.transcript()).not.toContain(other);
    }
  });
});
