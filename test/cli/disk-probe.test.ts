import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { DiskProbe } from '../../src/cli/disk-probe.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const PERIOD_MS = 10;

async function openProbe() {
  const folder = await temporaryFolder();
  let reported = 0;
  const probe = new DiskProbe(folder, () => (reported += 1), PERIOD_MS);
  onTestFinished(() => probe.stop());
  return { folder, probe, reported: () => reported };
}

test('DiskProbe reports a disk with room once and leaves no file', async () => {
  const { folder, probe, reported } = await openProbe();
  probe.start();
  probe.start();
  await expect.poll(reported).toBe(1);
  await sleep(PERIOD_MS * 5);
  expect(reported()).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

test('DiskProbe retries an unwritable folder until it can write', async () => {
  const { folder, probe, reported } = await openProbe();
  // A folder cannot be opened for writing by any user.
  mkdirSync(join(folder, 'bets.probe'));
  probe.start();
  await sleep(PERIOD_MS * 5);
  expect(reported()).toBe(0);
  rmSync(join(folder, 'bets.probe'), { recursive: true });
  await expect.poll(reported).toBe(1);
});

test('DiskProbe reports nothing after stop', async () => {
  const { probe, reported } = await openProbe();
  probe.start();
  probe.stop();
  await sleep(PERIOD_MS * 5);
  expect(reported()).toBe(0);
});
