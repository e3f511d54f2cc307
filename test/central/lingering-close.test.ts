import { describe, expect, test } from 'vitest';
import { NOK } from '../support/base-frames.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { TestCentral } from '../support/test-central.ts';
import { ManualClock, until } from '../support/until.ts';

const LIMITS = { lingerTimeoutMs: 100 };

describe('a lingering close', () => {
  test('ends after its time limit when the peer never closes', async () => {
    const clock = new ManualClock();
    const central = await TestCentral.open({ limits: LIMITS, now: clock.now });
    const peer = await central.agency(1);
    peer.send(Buffer.from('XXXX'));
    expect(await peer.rest()).toBe(NOK);
    await clock.advance(99);
    expect(central.of('connection-closed')).toEqual([]);
    clock.time += 1;
    await central.seen('connection-closed');
  });

  test('ends after its byte limit when the peer keeps sending', async () => {
    const central = await TestCentral.open({ limits: { lingerBytesMax: 1024 * 1024 } });
    const peer = await connectRaw(central.port);
    peer.resume();
    peer.write('XXXX');
    await until(() => peer.readableEnded, 'the refusal');
    const block = Buffer.alloc(64 * 1024);
    for (let sent = 0; !peer.destroyed && sent < 64 * 1024 * 1024; sent += block.length) {
      await new Promise<void>(resolve => peer.write(block, () => resolve()));
    }
    await central.seen('connection-closed');
    expect(central.sockets[0]!.bytesRead).toBeLessThan(2 * 1024 * 1024);
  });
});
