import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Link } from '../../src/agency/link.ts';
import { createPushCodesDialect } from '../../src/wire/dialects/push-codes.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';

/** A socket of the loopback interface to somebody who says nothing. */
async function connectToSilence(): Promise<Socket> {
  const server = createServer(socket => void socket.resume());
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1' });
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  await new Promise<void>(resolve => socket.once('connect', () => resolve()));
  return socket;
}

/** The kind of the timer that the system keeps for a socket of IPv4: 2 is one that asks whether the peer is there. */
async function timerOf({ localPort, remotePort }: Socket): Promise<number> {
  const [ours, theirs] = [localPort, remotePort].map(port =>
    port!.toString(16).toUpperCase().padStart(4, '0'),
  );
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map(row => row.trim().split(/\s+/));
  // Another connection that has used the port may still be in the table, closed.
  const row = rows.find(([, local, remote]) => local?.endsWith(`:${ours}`) && remote?.endsWith(`:${theirs}`));
  return Number.parseInt(row![5]!.split(':')[0]!, 16);
}

test('whoever waits for winners without a deadline has the system ask whether the central is there', async ({
  skip,
}) => {
  skip(process.platform !== 'linux', 'the timers of sockets are looked up in /proc');
  const socket = await connectToSilence();
  expect(await timerOf(socket)).toBe(0);
  const link = new Link(socket, createPushCodesDialect().agency(DEFAULT_LIMITS, 1), DEFAULT_LIMITS);
  const answer = link.awaitAnswer();
  expect(await timerOf(socket)).toBe(2);
  await link.close();
  await expect(answer).rejects.toThrow('closed by this side');
});
