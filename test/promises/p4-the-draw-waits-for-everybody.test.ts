import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  bet,
  conn,
  END,
  frame,
  GWIN,
  helo,
  nbet,
  row,
  sbet,
  WAIT,
  welc,
} from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const env = { NUMBER_AGENCIES: '3' };

/** Sends messages on a new connection. @returns their answers */
async function ask(port: number, count: number, ...says: readonly Uint8Array[]): Promise<string[]> {
  const peer = await Peer.connect(port);
  peer.send(Buffer.concat(says));
  const answers = await peer.frames(count);
  peer.socket.destroy();
  return answers;
}

describe('P4 The draw waits for everybody', () => {
  test('no winner is sent before the last agency has finished, also across a restart', async () => {
    const folder = await temporaryFolder();
    const first = await startServer(folder, env);
    await ask(first.port, 2, conn(1), nbet(bet(11, 7574)), END);
    await ask(first.port, 2, conn(2), nbet(bet(21, 7574)), END);
    const asking = await Peer.connect(first.port);
    asking.send(Buffer.concat([conn(1), GWIN]));
    first.server.kill('SIGKILL');
    await first.server.exited;
    expect(await asking.rest()).toBe('');

    const { server, port } = await startServer(folder, env);
    const [waiting, last] = [await Peer.connect(port), await Peer.connect(port)];
    waiting.send(Buffer.concat([conn(1), GWIN, WAIT]));
    // Bets of the last agency may arrive until it finishes.
    last.send(Buffer.concat([conn(3), nbet(bet(31, 7574)), GWIN, nbet(bet(32, 7574)), GWIN]));
    expect(await last.frames(4)).toEqual(['OK', 'NEND', 'OK', 'NEND']);
    expect(waiting.socket.bytesRead).toBe(0);
    expect(server.linesOf('sorteo')).toEqual([]);
    last.send(Buffer.concat([END, WAIT]));
    expect(await last.frames(2)).toEqual(['OK', 'RWIN 2|31|32']);
    expect(await waiting.frames(2)).toEqual(['RWIN 1|11', 'RWIN 1|11']);
  });

  test('no bet is accepted after the draw, also across a restart', async () => {
    const folder = await temporaryFolder();
    const first = await startServer(folder, env);
    await ask(first.port, 3, helo(1), sbet(1, bet(11, 7574)), END);
    await ask(first.port, 1, conn(2), END);
    await ask(first.port, 1, conn(3), END);
    await first.server.logged('sorteo');
    const expectClosed = async (port: number): Promise<void> => {
      expect(await ask(port, 1, conn(1), nbet(bet(12, 7574)))).toEqual(['NOK']);
      expect(await ask(port, 1, conn(2), frame('BET', bet(22, 7574).join('|')))).toEqual(['NOK']);
      const [welcome, refused] = await ask(port, 2, helo(1), sbet(2, bet(12, 7574)));
      expect(welcome).toBe(welc(2));
      expect(refused).toMatch(/^FAIL draw-closed\|1\|/);
      expect((await ask(port, 1, helo(3, 'another')))[0]).toMatch(/^FAIL draw-closed\|1\|/);
      expect(await ask(port, 1, conn(1), GWIN)).toEqual(['RWIN 1|11']);
      expect(await ask(port, 1, conn(2), GWIN)).toEqual(['RWIN 0|']);
      expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(row(1, 11, 7574));
    };
    await expectClosed(first.port);
    first.server.kill('SIGKILL');
    await first.server.exited;
    const { server, port } = await startServer(folder, env);
    await expectClosed(port);
    expect(server.linesOf('sorteo')).toEqual([]);
  });
});
