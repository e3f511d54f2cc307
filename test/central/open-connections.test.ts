import { expect, test } from 'vitest';
import { OpenConnections } from '../../src/central/open-connections.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { bet, conn, nbet, OK } from '../support/base-frames.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';

class Buffering {
  wasCut = false;
  bufferedBytes: number;

  constructor(bufferedBytes: number) {
    this.bufferedBytes = bufferedBytes;
  }

  cutForMemory(): void {
    this.wasCut = true;
  }
}

function openWith(bufferedBytesMax: number, ...bytes: readonly number[]) {
  const open = new OpenConnections({ bufferedBytesMax });
  const holders = bytes.map(held => new Buffering(held));
  for (const holder of holders) open.add(holder);
  for (const holder of holders) open.note(holder);
  return { open, holders, cut: () => holders.map(({ wasCut }) => wasCut) };
}

test('buffers up to the limit cut no connection', () => {
  const { open, cut } = openWith(100, 10, 60, 30);
  expect(cut()).toEqual([false, false, false]);
  expect(open.count).toBe(3);
});

test('buffers over the limit cut the largest holders, and no more than needed', () => {
  const { open, cut } = openWith(100, 10, 60, 31);
  expect(cut()).toEqual([false, true, false]);
  expect(open.count).toBe(2);
  // It is not counted any more, whatever it sends until it is closed.
  expect(openWith(100, 200, 50, 50).cut()).toEqual([true, false, false]);
});

test('released buffers and closed connections no longer count', () => {
  const { open, holders, cut } = openWith(100, 50, 50);
  holders[0]!.bufferedBytes = 0;
  open.note(holders[0]!);
  holders[1]!.bufferedBytes = 100;
  open.note(holders[1]!);
  open.delete(holders[1]!);
  open.note(holders[1]!);
  holders[0]!.bufferedBytes = 100;
  open.note(holders[0]!);
  expect(cut()).toEqual([false, false]);
});

test('the peer with the largest buffer over the limit is cut, and the reason logged', async () => {
  const central = await TestCentral.open({
    // One connection alone stays below its own limits.
    limits: { bufferedBytesMax: 20_000, payloadBytesMax: DEFAULT_LIMITS.payloadBytesMax },
  });
  const modest = await central.agency(2);
  modest.send(nbet(bet(1)).subarray(0, 20));
  const begun = Buffer.alloc(8, 0);
  begun.write('NBET', 'latin1');
  begun.writeUInt32BE(8_000, 4);
  const greedy = await Promise.all(Array.from({ length: 4 }, () => connectRaw(central.port)));
  for (const socket of greedy)
    socket.write(Buffer.concat([conn(1), begun, Buffer.alloc(7_000, 0x41)]));
  await until(() => central.of('connection-cut').length > 0, 'a connection being cut');
  expect(central.of('connection-cut')[0]).toMatchObject({ agency: 1, reason: 'too-much-held' });
  modest.send(nbet(bet(1)).subarray(20));
  expect(await modest.receive(4)).toBe(OK);
});
