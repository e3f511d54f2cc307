import { describe, expect, test } from 'vitest';
import { FrameCounter } from '../../src/bench/frame-counter.ts';

/** Messages of the base protocol, and the number of their answers. */
const CONN = '434f4e4e0000000131';
const NBET = '4e42455400000003317c61';
const EMPTY_NBET = '4e42455400000000';
const BET = '4245540000000002617c';
const END = '454e4400';
const GWIN = '4757494e';

const STREAM = Buffer.from(CONN + NBET + EMPTY_NBET + BET + END + GWIN + NBET, 'hex');
const ANSWERED = 6;

describe('FrameCounter', () => {
  test('counts all messages but the one without an answer', () => {
    expect(new FrameCounter().count(STREAM)).toBe(ANSWERED);
  });

  test('counts messages wherever the stream is cut', () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      for (let next = cut; next <= STREAM.length; next += 1) {
        const counter = new FrameCounter();
        const parts = [STREAM.subarray(0, cut), STREAM.subarray(cut, next), STREAM.subarray(next)];
        expect(parts.reduce((sum, part) => sum + counter.count(part), 0)).toBe(ANSWERED);
      }
    }
  });

  test('counts a message at its last byte', () => {
    const counter = new FrameCounter();
    const counts = [...Buffer.from(NBET + END, 'hex')].map(byte =>
      counter.count(Uint8Array.of(byte)),
    );
    expect(counts).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  });
});
