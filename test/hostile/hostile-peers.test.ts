import { expect, test } from 'vitest';
import type { Line } from '../support/program.ts';
import { Arena } from './arena.ts';
import {
  BadCompany,
  type Behaviour,
  type Disturbance,
  fourGigabytes,
  halfClosing,
  idle,
  NeverReading,
  oneByteASecond,
  randomBytes,
  refused,
  refusedForEver,
} from './bad-peers.ts';

/** Above the observed peak with as many connections; without the limits it would be gigabytes. */
const MEMORY_BYTES_MAX = 320 * 1024 * 1024;

/** The machine is shared: one of this many uploads must be fast. */
const TRIES = 8;

const refusedWith =
  (code: string) =>
  ({ action, result, details }: Line): boolean =>
    action === 'refuse' && result === 'fail' && details['code'] === code;

const cutBecause =
  (reason: string) =>
  ({ text }: Line): boolean =>
    text.includes(reason);

function gather(port: number, count: number, behave: Behaviour | typeof NeverReading): Disturbance {
  return behave === NeverReading
    ? new NeverReading(port, count)
    : new BadCompany(port, count, behave as Behaviour);
}

test.each<[string, number, Behaviour | typeof NeverReading, (line: Line) => boolean]>([
  ['1,000 idle connections', 1000, idle, cutBecause('first-message-timeout')],
  ['one byte a second', 100, oneByteASecond, cutBecause('message-timeout')],
  // Few: some kernels buffer four megabytes of answers per connection before the server can notice.
  ['peers that never read an answer', 6, NeverReading, cutBecause('unread-answers')],
  ['messages of four gigabytes', 20, fourGigabytes, refusedWith('payload-too-large')],
  ['random bytes', 20, randomBytes, refusedWith('unknown-message')],
  [
    'valid messages that are refused, on successive connections',
    20,
    refused,
    refusedWith('invalid-bet'),
  ],
  ['an endless stream of refused batches', 10, refusedForEver, refusedWith('invalid-bet')],
  ['truncated messages on half-closed connections', 50, halfClosing, cutBecause('truncated')],
])(
  '%s at most double the upload time of a good agency and leak no descriptor',
  async (_, count, behave, explains) => {
    const arena = await Arena.open();
    const undisturbed = [await arena.upload(), await arena.upload()];
    const company = gather(arena.port, count, behave);
    try {
      await company.settled();
      const limit = 2 * Math.max(...undisturbed);
      const disturbed: number[] = [];
      while (disturbed.length < TRIES && Math.min(...disturbed) > limit)
        disturbed.push(await arena.upload());
      expect(
        Math.min(...disturbed),
        `undisturbed ${undisturbed.join(', ')} ms`,
      ).toBeLessThanOrEqual(limit);
      await arena.server.line(explains, 'line that explains it');
    } finally {
      await company.leave();
    }
    expect(arena.peakMemory).toBeLessThan(MEMORY_BYTES_MAX);
    await expect.poll(() => arena.leftOpen, { timeout: 10_000 }).toBe(0);
    arena.server.kill('SIGTERM');
    expect(await arena.server.exited).toEqual({ code: 0, signal: null });
    expect(arena.server.stderr).toBe('');
  },
  60_000,
);
