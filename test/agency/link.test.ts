import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Link } from '../../src/agency/link.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { createPushCodesDialect } from '../../src/wire/dialects/push-codes.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { rwin } from '../support/base-frames.ts';
import { listen } from '../support/listen.ts';
import { connectRaw } from '../support/raw-socket.ts';

/** A loopback socket, and its peer. */
async function connectTo(behave: (peer: Socket) => unknown): Promise<Socket> {
  const server = createServer(socket => void behave(socket.on('error', () => {}).resume()));
  return connectRaw(await listen(server));
}

/** Kind of the system's timer for an IPv4 socket: 2 is keep-alive. */
async function timerOf({ localPort, remotePort }: Socket): Promise<number> {
  const [ours, theirs] = [localPort, remotePort].map(port =>
    port!.toString(16).toUpperCase().padStart(4, '0'),
  );
  const rows = (await readFile('/proc/net/tcp', 'utf8'))
    .split('\n')
    .map(row => row.trim().split(/\s+/));
  // A closed connection of the same port may still be in the table.
  const row = rows.find(
    ([, local, remote]) => local?.endsWith(`:${ours}`) && remote?.endsWith(`:${theirs}`),
  );
  return Number.parseInt(row![5]!.split(':')[0]!, 16);
}

test('a link that waits for winners without a deadline enables TCP keep-alive', async ({
  skip,
}) => {
  skip(process.platform !== 'linux', 'the timers of sockets are looked up in /proc');
  const socket = await connectTo(() => {});
  expect(await timerOf(socket)).toBe(0);
  const link = new Link(socket, createPushCodesDialect().agency(DEFAULT_LIMITS, 1), DEFAULT_LIMITS);
  const answer = link.awaitAnswer();
  expect(await timerOf(socket)).toBe(2);
  await link.close();
  await expect(answer).rejects.toThrow('closed by this side');
});

test.each([
  ['is awaited while enough bytes arrive', 20, 'winners'],
  [
    'is given up when too few bytes arrive',
    1,
    'no answer within 1000 ms after .. bytes of an answer',
  ],
])('a reply that takes longer than its timeout %s', async (_, bytes, outcome) => {
  const limits = { ...DEFAULT_LIMITS, answerTimeoutMs: 1000, progressBytesMin: 24 };
  const answer = Buffer.from(rwin(...Array(80).fill(1000)), 'hex');
  const socket = await connectTo(async peer => {
    for (let at = 0; at < answer.length && peer.writable; at += bytes) {
      peer.write(answer.subarray(at, at + bytes));
      await delay(90);
    }
  });
  const codec = createBaseDialect(new PlainBetReader()).agency(limits, 1);
  const link = new Link(socket, codec, limits);
  const got = link.request(codec.askWinners()).then(
    ({ kind }) => kind,
    (error: Error) => error.message,
  );
  expect(await got).toMatch(new RegExp(`^${outcome}$`));
  await link.close();
});
