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
  const source = await CsvSource.open({
    path: await betsFile(bets),
    delimiter: COMMA,
    encoding: 'utf-8',
  });
  onTestFinished(() => source.close());
  const encoder = createResumableDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, 1).batch;
  return new UploadPass(
    source,
    encoder,
    () => 2,
    () => {},
  );
}

async function nextText(pass: UploadPass): Promise<string | undefined> {
  const batch = await pass.read();
  return batch && firstMessage(Buffer.from(batch.frame))!.text;
}

/** The bets up to 8 with which a pass can go on. */
const places = (pass: UploadPass): number[] =>
  [1, 2, 3, 4, 5, 6, 7, 8].filter(next => pass.canResumeAt(next));

const sequence = (pass: UploadPass): number[] => pass.unanswered.map(({ seq }) => seq);

describe('UploadPass', () => {
  test('numbers batches by their first bet and keeps each until its reply', async () => {
    const pass = await passOver(5);
    expect(await nextText(pass)).toBe(numberedText(1, 2));
    expect(await nextText(pass)).toBe(numberedText(3, 4));
    expect(await nextText(pass)).toBe(numberedText(5));
    expect(await pass.read()).toBeUndefined();
    expect(sequence(pass)).toEqual([1, 3, 5]);
    expect(pass.stored()).toMatchObject({ seq: 1, count: 2, firstLine: 1 });
    expect(pass.refused()).toMatchObject({ seq: 3, count: 2, firstLine: 3 });
    expect(sequence(pass)).toEqual([5]);
    expect(pass.stored()).toMatchObject({ seq: 5, count: 1, firstLine: 5 });
    expect(pass).toMatchObject({ batches: 2, bets: 3, next: 6, unanswered: [] });
    expect(await pass.read()).toBeUndefined();
  });

  test('skips the bets of an earlier process and counts them as stored', async () => {
    const pass = await passOver(5);
    await pass.skipTo(5);
    expect(pass).toMatchObject({ batches: 0, bets: 4, next: 5, unanswered: [] });
    expect(await nextText(pass)).toBe(numberedText(5));
  });

  test.each([
    [2, [[2, 3], [4, 5], [6]]],
    [
      3,
      [
        [3, 4],
        [5, 6],
      ],
    ],
    [4, [[4, 5], [6]]],
    [6, [[6]]],
  ])('resumes within a batch of another size, at bet %i', async (next, batches) => {
    const pass = await passOver(6);
    await pass.skipTo(next);
    expect(pass).toMatchObject({ batches: 0, bets: next - 1, next, unanswered: [] });
    for (const indexes of batches) expect(await nextText(pass)).toBe(numberedText(...indexes));
    expect(await pass.read()).toBeUndefined();
  });

  test('drops acknowledged batches of a lost connection, and keeps the rest', async () => {
    const pass = await passOver(10);
    for (let count = 0; count < 4; count += 1) await pass.read();
    pass.stored();
    const kept = pass.unanswered.slice(1);
    await pass.skipTo(5);
    expect(pass.unanswered).toEqual(kept);
    expect(sequence(pass)).toEqual([5, 7]);
    expect(pass).toMatchObject({ batches: 2, bets: 4, next: 9 });
    expect(await nextText(pass)).toBe(numberedText(9, 10));
  });

  test('skips more than it has read', async () => {
    const pass = await passOver(10);
    await pass.read();
    await pass.read();
    await pass.skipTo(8);
    expect(pass).toMatchObject({ batches: 2, bets: 7, next: 8, unanswered: [] });
    expect(await nextText(pass)).toBe(numberedText(8, 9));
  });

  test('ends when it has fewer bets than it must skip', async () => {
    const pass = await passOver(3);
    await pass.skipTo(100);
    expect(pass).toMatchObject({ batches: 0, bets: 3, next: 4 });
    expect(await pass.read()).toBeUndefined();
  });

  test('cannot resume at an acknowledged bet or within a batch', async () => {
    const pass = await passOver(7);
    expect([pass.canResumeAt(1), pass.canResumeAt(9)]).toEqual([true, true]);
    for (let count = 0; count < 3; count += 1) await pass.read();
    expect(pass.canResumeAt(1)).toBe(true);
    expect(places(pass)).toEqual([1, 3, 5, 7, 8]);
    pass.stored();
    expect(places(pass)).toEqual([3, 5, 7, 8]);
    pass.refused();
    pass.stored();
    expect(places(pass)).toEqual([7, 8]);
  });
});
