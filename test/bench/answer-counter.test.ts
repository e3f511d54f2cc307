import { describe, expect, test } from 'vitest';
import { AnswerCounter } from '../../src/bench/answer-counter.ts';

const OK = '4f4b0000';
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

describe('AnswerCounter', () => {
  test('counts answers wherever the stream is cut', () => {
    const stream = bytes(OK.repeat(3));
    for (let cut = 0; cut <= stream.length; cut += 1) {
      for (let next = cut; next <= stream.length; next += 1) {
        const counter = new AnswerCounter();
        const parts = [stream.subarray(0, cut), stream.subarray(cut, next), stream.subarray(next)];
        const counts = parts.map(part => counter.count(part));
        expect(counts).toEqual([
          Math.floor(cut / 4),
          Math.floor(next / 4) - Math.floor(cut / 4),
          3 - Math.floor(next / 4),
        ]);
      }
    }
  });

  test.each([
    ['4e4f4b00', 'NOK'],
    ['4641494c', 'FAIL'],
    ['4e454e44', 'NEND'],
    ['00000000', '0x00000000'],
    ['4f4b0001', '0x4f4b0001'],
  ])('throws an error that names another answer (%s)', (hex, name) => {
    expect(() => new AnswerCounter().count(bytes(OK + hex))).toThrow(`the server answered ${name}`);
  });

  test('names a type received in parts as far as it has arrived', () => {
    const counter = new AnswerCounter();
    expect(counter.count(bytes('4f'))).toBe(0);
    expect(() => counter.count(bytes('4e45'))).toThrow('the server answered ONE');
  });
});
