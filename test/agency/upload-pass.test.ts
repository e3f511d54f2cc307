import { describe, expect, onTestFinished, test } from 'vitest';
import { CsvSource } from '../../src/agency/csv-source.ts';
import { UploadPass } from '../../src/agency/upload-pass.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { firstMessage } from '../support/fake-central.ts';
import { betsFile, COMMA, numberedText } from './start-agency.ts';

/** A pass over the bets 1 to `bets`, two to a batch. */
async function passOver(bets: number): Promise<UploadPass> {
  const source = await CsvSource.open({ path: await betsFile(bets), delimiter: COMMA, encoding: 'utf-8' });
  onTestFinished(() => source.close());
  const encoder = createResumableDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, 1).batch;
  return new UploadPass(source, encoder, 2, () => {});
}

async function nextText(pass: UploadPass): Promise<string | undefined> {
  const batch = await pass.read();
  return batch && firstMessage(Buffer.from(batch.frame))!.text;
}

const sequence = (pass: UploadPass): number[] => pass.unanswered.map(({ seq }) => seq);

describe('a pass over a file', () => {
  test('numbers its batches from 1 and keeps each until it is answered', async () => {
    const pass = await passOver(5);
    expect(await nextText(pass)).toBe(numberedText(1, 1, 2));
    expect(await nextText(pass)).toBe(numberedText(2, 3, 4));
    expect(await nextText(pass)).toBe(numberedText(3, 5));
    expect(await pass.read()).toBeUndefined();
    expect(sequence(pass)).toEqual([1, 2, 3]);
    expect(pass.stored()).toMatchObject({ seq: 1, count: 2, firstLine: 1 });
    expect(pass.refused()).toMatchObject({ seq: 2, count: 2, firstLine: 3 });
    expect(sequence(pass)).toEqual([3]);
    expect(pass.stored()).toMatchObject({ seq: 3, count: 1, firstLine: 5 });
    expect(pass).toMatchObject({ batches: 2, bets: 3, assumed: 0, unanswered: [] });
    expect(await pass.read()).toBeUndefined();
  });

  test('leaves out what a process before it has sent, and counts it as stored', async () => {
    const pass = await passOver(5);
    await pass.skipTo(3);
    expect(pass).toMatchObject({ batches: 2, bets: 4, assumed: 2, unanswered: [] });
    expect(await nextText(pass)).toBe(numberedText(3, 5));
  });

  test('lets go of what was answered over a connection that is lost, and keeps the rest as it was', async () => {
    const pass = await passOver(10);
    for (let count = 0; count < 4; count += 1) await pass.read();
    pass.stored();
    const kept = pass.unanswered.slice(1);
    await pass.skipTo(3);
    expect(pass.unanswered).toEqual(kept);
    expect(sequence(pass)).toEqual([3, 4]);
    expect(pass).toMatchObject({ batches: 2, bets: 4, assumed: 1 });
    expect(await nextText(pass)).toBe(numberedText(5, 9, 10));
  });

  test('can leave out more than it has read', async () => {
    const pass = await passOver(10);
    await pass.read();
    await pass.read();
    await pass.skipTo(5);
    expect(pass).toMatchObject({ batches: 4, bets: 8, assumed: 4, unanswered: [] });
    expect(await nextText(pass)).toBe(numberedText(5, 9, 10));
  });

  test('with fewer batches than are to be left out is at its end', async () => {
    const pass = await passOver(3);
    await pass.skipTo(100);
    expect(pass).toMatchObject({ batches: 2, bets: 3, assumed: 2 });
    expect(await pass.read()).toBeUndefined();
  });

  test('cannot go back to a batch that was answered', async () => {
    const pass = await passOver(7);
    expect([pass.canGoOnAt(1), pass.canGoOnAt(9)]).toEqual([true, true]);
    for (let count = 0; count < 3; count += 1) await pass.read();
    expect(pass.canGoOnAt(1)).toBe(true);
    pass.stored();
    expect([pass.canGoOnAt(1), pass.canGoOnAt(2), pass.canGoOnAt(3)]).toEqual([false, true, true]);
    pass.refused();
    pass.stored();
    expect([pass.canGoOnAt(3), pass.canGoOnAt(4)]).toEqual([false, true]);
  });
});
