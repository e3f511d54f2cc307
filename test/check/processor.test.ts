import { expect, test } from 'vitest';
import { NotCheckable } from '../../src/check/finding.ts';
import type { Lab } from '../../src/check/lab.ts';
import { busyServices } from '../../src/check/processor.ts';
import type { Service, Usage } from '../../src/check/runner.ts';

const LAB = { say: () => {}, signal: new AbortController().signal } as unknown as Lab;

const service = (exit: Service['exit'], usage?: Usage): Service => ({
  name: 'server',
  lines: [],
  exit,
  exited: new Promise(() => {}),
  kill: () => Promise.resolve(),
  usage: () => Promise.resolve(usage),
});

test('busyServices throws NotCheckable without the CPU time of a service', async () => {
  await expect(busyServices(LAB, [service(undefined)])).rejects.toThrow(NotCheckable);
});

test('busyServices ignores a service that has ended', async () => {
  expect(await busyServices(LAB, [service({ code: 0, signal: null, atMs: 0 })])).toEqual([]);
});
