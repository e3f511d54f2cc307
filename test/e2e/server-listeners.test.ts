import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Peer } from '../support/peer.ts';
import { listen } from '../support/listen.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** Several ports with different dialects (`SERVER_LISTENERS`). */

const usedPort = (): Promise<number> => listen(createServer());

function startWith(folder: string, listeners: string): Program {
  const env = { SERVER_LISTENERS: listeners, SERVER_HOST: '127.0.0.1', DATA_DIR: 'data' };
  return Program.start(['server'], { cwd: folder, env });
}

describe('a server with several listeners', () => {
  test('names a port in use, closes the other listeners and exits with code 1', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'data'));
    const port = await usedPort();
    const server = startWith(folder, `tp0:0,check-win:0,push-codes:${port},op-codes:0`);
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.stderr).toBe('');
    const failures = server.lines.filter(({ result }) => result === 'fail');
    expect(failures.map(({ action, details }) => [action, details['error']])).toEqual([
      [
        'start',
        `port ${port} is in use by another program, end it or choose another one for push-codes (SERVER_PORT, SERVER_LISTENERS)`,
      ],
    ]);
    const opened = server.linesOf('listen', 'success');
    expect(opened.map(({ details }) => details['dialect'])).toEqual(['tp0', 'check-win']);
    const ports = (lines: typeof opened): string[] =>
      lines.map(({ details }) => details['port']!).toSorted();
    expect(ports(server.linesOf('close_listener', 'success'))).toEqual(ports(opened));
    // The folder lock is released as well.
    const again = startWith(folder, `tp0:${opened[0]!.details['port']},push-codes:0`);
    await again.line(() => again.linesOf('listen', 'success').length === 2, 'two listeners');
  });

  test('closes all listeners and sockets on SIGTERM, exit code 0', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'data'));
    const server = startWith(folder, 'tp0:0,push-codes:0,check-win:0,csv-frames:0,op-codes:0');
    const listening = () => server.linesOf('listen', 'success');
    await server.line(() => listening().length === 5, 'five listeners');
    const peers = await Promise.all(
      listening().map(({ details }) => Peer.connect(Number(details['port']))),
    );
    await server.line(
      () => server.linesOf('accept_connections', 'success').length === 5,
      'five connections',
    );
    server.kill('SIGTERM');
    for (const peer of peers) expect(await peer.rest()).toBe('');
    for (const peer of peers) peer.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.linesOf('close_listener', 'success')).toHaveLength(5);
    expect(server.linesOf('close_socket', 'success')).toHaveLength(5);
    expect(server.lines.filter(({ result }) => result === 'fail')).toEqual([]);
  });
});
