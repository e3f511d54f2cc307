import { describe, expect, test } from 'vitest';
import { withStop } from '../../src/agency/waiting.ts';
import { failureOf } from './start-agency.ts';

describe('withStop', () => {
  test('returns a result that precedes the stop, and removes its listener', async () => {
    const { signal, listeners } = countedSignal();
    expect(await withStop(Promise.resolve('answer'), signal)).toBe('answer');
    const error = new Error('lost');
    expect(await failureOf(withStop(Promise.reject(error), signal))).toBe(error);
    expect(listeners()).toBe(0);
  });
});

/** A signal, and the number of its listeners. */
function countedSignal(): { signal: AbortSignal; listeners: () => number } {
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...all: Parameters<typeof add>) => {
    listeners += 1;
    add(...all);
  };
  signal.removeEventListener = (...all: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...all);
  };
  return { signal, listeners: () => listeners };
}
