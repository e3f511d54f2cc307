import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Troubles } from '../../../src/store/jetstream/troubles.ts';

const PATIENCE_MS = 1000;

/** Troubles with a patience of a second, and what is told of them; the clock is vitest's. */
function open(): { readonly troubles: Troubles; readonly told: string[] } {
  const told: string[] = [];
  const troubles = new Troubles({
    now: () => performance.now(),
    patienceMs: PATIENCE_MS,
    onTrouble: why => told.push(`trouble: ${why}`),
    onPatienceLost: why => told.push(`patience lost: ${why}`),
    onEnd: awayMs => told.push(`end after ${awayMs} ms`),
  });
  return { troubles, told };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('trouble', () => {
  test('is not there at first, and its end is none', () => {
    const { troubles, told } = open();
    troubles.end('publish');
    expect(troubles.why).toBeUndefined();
    expect(troubles.whyNotWait).toBeUndefined();
    expect(told).toEqual([]);
  });

  test('is told when it begins and when it ends, with how long it took', () => {
    const { troubles, told } = open();
    troubles.begin('publish', 'no answer');
    expect(troubles.why).toBe('no answer');
    vi.advanceTimersByTime(250);
    troubles.end('publish');
    expect(troubles.why).toBeUndefined();
    expect(told).toEqual(['trouble: no answer', 'end after 250 ms']);
  });

  test('that begins again is the same one; what is said of it last is why', () => {
    const { troubles, told } = open();
    troubles.begin('publish', 'no answer');
    vi.advanceTimersByTime(100);
    troubles.begin('publish', 'no leader');
    expect(troubles.why).toBe('no leader');
    troubles.end('publish');
    troubles.end('publish');
    expect(told).toEqual(['trouble: no answer', 'end after 100 ms']);
  });

  test('is over when the last of several is', () => {
    const { troubles, told } = open();
    troubles.begin('connection', 'the connection was lost');
    vi.advanceTimersByTime(100);
    troubles.begin('publish', 'no answer');
    troubles.end('connection');
    expect(troubles.why).toBe('no answer');
    troubles.end('reading');
    vi.advanceTimersByTime(100);
    troubles.end('publish');
    expect(troubles.why).toBeUndefined();
    expect(told).toEqual(['trouble: the connection was lost', 'end after 200 ms']);
  });
});

describe('patience', () => {
  test('is lost, once, when there was trouble for long enough', () => {
    const { troubles, told } = open();
    troubles.begin('stream', 'no answer');
    vi.advanceTimersByTime(PATIENCE_MS - 1);
    expect(troubles.whyNotWait).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(troubles.whyNotWait).toBe('no answer');
    vi.advanceTimersByTime(10 * PATIENCE_MS);
    expect(told).toEqual(['trouble: no answer', 'patience lost: no answer']);
  });

  test('is lost also when one trouble comes after the other without a pause; the one that is there is told', () => {
    const { troubles, told } = open();
    troubles.begin('connection', 'the connection was lost');
    vi.advanceTimersByTime(600);
    troubles.begin('stream', 'no leader');
    troubles.end('connection');
    vi.advanceTimersByTime(400);
    expect(troubles.whyNotWait).toBe('no leader');
    expect(told).toEqual(['trouble: the connection was lost', 'patience lost: no leader']);
  });

  test('comes back with the end of the trouble', () => {
    const { troubles, told } = open();
    troubles.begin('stream', 'no answer');
    vi.advanceTimersByTime(PATIENCE_MS);
    troubles.end('stream');
    expect(troubles.whyNotWait).toBeUndefined();
    troubles.begin('stream', 'no leader');
    expect(troubles.why).toBe('no leader');
    expect(troubles.whyNotWait).toBeUndefined();
    vi.advanceTimersByTime(PATIENCE_MS - 1);
    expect(troubles.whyNotWait).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(troubles.whyNotWait).toBe('no leader');
    expect(told.slice(2)).toEqual(['end after 1000 ms', 'trouble: no leader', 'patience lost: no leader']);
  });

  test('begins anew with each trouble: many short ones are not a long one', () => {
    const { troubles, told } = open();
    for (let time = 0; time < 5; time += 1) {
      troubles.begin('publish', 'no answer');
      vi.advanceTimersByTime(PATIENCE_MS - 1);
      troubles.end('publish');
    }
    expect(told.filter(line => line.startsWith('patience'))).toEqual([]);
  });
});

test('after the end nothing is told any more', () => {
  const { troubles, told } = open();
  troubles.begin('connection', 'the connection was lost');
  troubles.close();
  expect(troubles.why).toBeUndefined();
  vi.advanceTimersByTime(10 * PATIENCE_MS);
  troubles.end('connection');
  expect(told).toEqual(['trouble: the connection was lost']);
  expect(vi.getTimerCount()).toBe(0);
});
