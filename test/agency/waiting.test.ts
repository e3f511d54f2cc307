import { describe, expect, test } from 'vitest';
import { Stopped } from '../../src/agency/errors.ts';
import { pause, withStop } from '../../src/agency/waiting.ts';
import { Events, failureOf } from './start-agency.ts';

describe('a pause', () => {
  test('ends when the program is asked to stop, and says which timer it closed', async () => {
    const stopping = new AbortController();
    const { all, emit } = new Events();
    const paused = failureOf(pause(60_000, { stop: stopping.signal, emit }));
    stopping.abort();
    expect(await paused).toBeInstanceOf(Stopped);
    expect(all).toEqual([{ event: 'timer-closed', timer: 'next_try' }]);
  });

  test('that nobody interrupts closes no timer', async () => {
    const { all, emit } = new Events();
    await pause(1, { stop: new AbortController().signal, emit });
    expect(all).toEqual([]);
  });
});

describe('an answer', () => {
  test('that comes before the stop is the answer, and leaves no listener behind', async () => {
    const { signal, listeners } = countedSignal();
    expect(await withStop(Promise.resolve('answer'), signal)).toBe('answer');
    const error = new Error('lost');
    expect(await failureOf(withStop(Promise.reject(error), signal))).toBe(error);
    expect(listeners()).toBe(0);
  });

  test('is not waited for after the stop, even when the stop came first', async () => {
    const stopping = new AbortController();
    const waiting = failureOf(withStop(new Promise(() => {}), stopping.signal));
    stopping.abort();
    expect(await waiting).toBeInstanceOf(Stopped);
    expect(await failureOf(withStop(Promise.resolve('answer'), stopping.signal))).toBeInstanceOf(
      Stopped,
    );
  });
});

/** A signal, and how many listen to it. */
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
