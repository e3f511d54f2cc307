import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkFile } from '../../src/agency/file-check.ts';
import { RowDigester } from '../../src/agency/rows-digest.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { closeActa } from '../../src/lottery/acta.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { OK, rwin } from '../support/base-frames.ts';
import { FakeCentral } from '../support/fake-central.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { finished, formatOf, startResumable, welcomed } from './start-agency.ts';

const ROW = '1,Ana,Paz,1,1990-01-02,7\r\n';

/** An acta with the digest of `rows` for agency 1. */
function actaOf(number: number, rows: string): string {
  const sha256 = createHash('sha256').update(rows).digest('hex');
  const bets = rows.split('\n').length - 1;
  const digest = { bytes: rows.length, sha256, agencies: new Map([[1, sha256]]) };
  const parts = { lottery: 'x', number, time: '2026-01-02T03:04:05.000Z', digest, byHand: [] };
  return closeActa({ ...parts, bets: [[1, bets]] }).text;
}

/** `ACTA number|uploads|text` as hex. */
function acta(number: number, rows: string, uploads = 1): string {
  const payload = Buffer.from(`${number}|${uploads}|${actaOf(number, rows)}`);
  return `41435441${payload.length.toString(16).padStart(8, '0')}${payload.toString('hex')}`;
}

/** An agency with one stored bet, up to its first ACTA. */
async function waiting() {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, 'Ana,Paz,1,1990-01-02,7\n');
  const central = await FakeCentral.listen();
  const kept: string[] = [];
  const keepActa = async (text: string): Promise<void> => void kept.push(text);
  const { agency, events } = startResumable(central.port, { keepActa });
  const { batch } = createResumableDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, 1);
  const { signal } = new AbortController();
  const file = await checkFile(formatOf(path), new RowDigester(1, batch), () => {}, signal);
  const upload = agency.upload({ ...file, refuse: () => {} });
  const conversation = await welcomed(central);
  for (const _ of ['SBET', 'DONE']) {
    await conversation.message();
    conversation.say(OK);
  }
  await upload;
  const { winners } = await finished(conversation, agency);
  return { conversation, winners, events, kept, agency };
}

describe('an agency that receives an acta', () => {
  test('keeps a matching acta, reports it and polls on', async () => {
    const { conversation, winners, events, kept, agency } = await waiting();
    conversation.say(acta(1, ROW));
    expect(await conversation.message()).toBe('ACTA 1');
    conversation.say(rwin('1'));
    expect(await winners).toEqual(['1']);
    expect(kept).toEqual([actaOf(1, ROW)]);
    expect(events.of('acta-checked')).toMatchObject([{ acta: 1, bets: 1, error: undefined }]);
    await agency.close();
  });

  test('reports an acta of several uploads as unchecked', async () => {
    const { conversation, winners, events, agency } = await waiting();
    conversation.say(acta(1, ROW + ROW, 2));
    expect(await conversation.message()).toBe('ACTA 1');
    conversation.say(rwin());
    await winners;
    const error = 'the agency has sent 2 uploads, of which this file is one';
    expect(events.of('acta-unchecked')).toEqual([{ event: 'acta-unchecked', acta: 1, error }]);
    await agency.close();
  });

  test.each([
    ['a changed bet', ROW.replace('Paz', 'Gil')],
    ['an extra bet', ROW + ROW],
    ['no bet', ''],
  ])(
    'reports an acta with %s as a mismatch, also to the central, and checks the next one',
    async (_, rows) => {
      const { conversation, winners, events, agency } = await waiting();
      conversation.say(acta(1, rows));
      const digest = createHash('sha256').update(ROW).digest('hex');
      expect(await conversation.message()).toBe(`DIFF 1|1|${digest}`);
      conversation.say(OK);
      expect(await conversation.message()).toBe('ACTA 1');
      conversation.say(acta(2, ROW));
      expect(await conversation.message()).toBe('ACTA 2');
      conversation.say(rwin());
      expect(await winners).toEqual([]);
      const [first, second] = events.of('acta-checked');
      expect(first!.error).toMatch(
        /^it says \d bets with SHA-256 \w{64}, this agency has sent 1 with \w{64}$/,
      );
      expect(second).toMatchObject({ acta: 2, error: undefined });
      await agency.close();
    },
  );
});
