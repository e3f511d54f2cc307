import { describe, expect, test } from 'vitest';
import { Belt, makeFrames } from '../../src/bench/belt.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';

const HEADER_BYTES = 8;

const encoder = () => createBaseDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, 1).batch;

describe('makeFrames', () => {
  test.each([1, 7, 130])('makes frames of %d bets that the central can read', betsPerFrame => {
    const reader = new PlainBetReader();
    for (const frame of makeFrames(encoder(), betsPerFrame)) {
      expect(Buffer.from(frame.subarray(0, 4)).toString()).toBe('NBET');
      expect(frame.length).toBeLessThanOrEqual(HEADER_BYTES + DEFAULT_LIMITS.payloadBytesMax);
      expect(reader.readBatch(frame.subarray(HEADER_BYTES), 3)).toMatchObject({
        count: betsPerFrame,
      });
    }
  });

  test('makes frames of about 46 bytes per bet, as in the assignment', () => {
    const frames = makeFrames(encoder(), 130);
    const bytes = frames.reduce((sum, { length }) => sum + length, 0);
    expect(bytes / frames.length / 130).toBeCloseTo(46, 0);
  });

  test('makes 128 different frames, the same every time', () => {
    const frames = makeFrames(encoder(), 130).map(frame => Buffer.from(frame).toString('hex'));
    expect(new Set(frames).size).toBe(128);
    expect(makeFrames(encoder(), 130).map(frame => Buffer.from(frame).toString('hex'))).toEqual(
      frames,
    );
  });

  test('rejects more bets than fit into a frame', () => {
    expect(() => makeFrames(encoder(), 500)).toThrow('500 bets do not fit into one frame');
  });
});

describe('Belt', () => {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

  test('returns runs of frames that wrap around', () => {
    const belt = new Belt([Buffer.from('a'), Buffer.from('bb'), Buffer.from('ccc')], 5);
    expect(belt.frames).toBe(3);
    expect(text(belt.run(0, 1))).toBe('a');
    expect(text(belt.run(1, 2))).toBe('bbccc');
    expect(text(belt.run(2, 5))).toBe('cccabbccca');
    expect(text(belt.run(0, 0))).toBe('');
  });

  test('returns views without copying', () => {
    const belt = new Belt([Buffer.from('abc')], 2);
    expect(belt.run(0, 1).buffer).toBe(belt.run(0, 2).buffer);
  });
});
