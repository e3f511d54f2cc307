import { describe, expect, test } from 'vitest';
import { Stopped } from '../../src/agency/errors.ts';
import { pause, withStop } from '../../src/agency/waiting.ts';
import { Events, failureOf } from './start-agency.ts';

describe('pause', () => {
  test('ends at a stop and reports the closed timer', async () => {
    const stopping = new AbortController();
    const { all, emit } = new Events();
    const paused = failureOf(pause(60_000, { stop: stopping.signal, emit }));
    stopping.abort();
    expect(await paused).toBeInstanceOf(Stopped);
    expect(all).toEqual([{ event: 'timer-closed', timer: 'next_try' }]);
  });

  test('reports no closed timer without a stop', async () => {
    const { all, emit } = new Events();
    await pause(1, { stop: new AbortController().signal, emit });
    expect(all).toEqual([]);
  });
});

describe('withStop', () => {
  test('returns a result that precedes the stop, and removes its listener', async () => {
    const { signal, listeners } = countedSignal();
    expect(await withStop(Promise.resolve('answer'), signal)).toBe('answer');
    const error = new Error('lost');
    expect(await failureOf(withStop(Promise.reject(error), signal))).toBe(error);
    expect(listeners()).toBe(0);
  });

  test('rejects at a stop, also at one before the call', async () => {
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
