import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp-folder.ts';
import { startResumable, uploadFile } from './start-agency.ts';
import { type Cut, UploadCentral } from './upload-central.ts';

const BETS = [1, 2, 3, 4, 5].map(index => `A|B|${index}|2000-01-01|${index}`);

async function smallFile(): Promise<string> {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, BETS.map(bet => `${bet.replaceAll('|', ',')}\n`).join(''));
  return path;
}

type Plan = NonNullable<Parameters<typeof UploadCentral.listen>[0]>;

/**
 * Uploads five bets in three batches and receives the winners. The outcome must not depend on the
 * cuts.
 */
async function survive(path: string, plan: Plan): Promise<UploadCentral> {
  const central = await UploadCentral.listen(plan);
  const { agency, stop } = startResumable(central.ports, {
    batchWindow: 3,
    limits: { answerTimeoutMs: 5_000 },
  });
  try {
    const bets = await uploadFile(agency, path);
    expect(await agency.finishAndAwaitWinners()).toEqual(['11', '12']);
    const refused = plan.refusedBatches?.includes(3) ? BETS.slice(2, 4) : [];
    expect(central.rows).toEqual(BETS.filter(bet => !refused.includes(bet)));
    expect(bets).toBe(5 - refused.length);
    expect(central.faults).toEqual([]);
    expect(central.uploads.size).toBe(1);
  } finally {
    await agency.close();
    stop.abort();
    await central.close();
  }
  return central;
}

describe('a cut connection', () => {
  test.each<[string, Cut['side'], number]>([
    ['to the central', 'heard', 180],
    ['from the central', 'said', 90],
  ])(
    'at every byte %s stores every bet once, without a refused batch',
    async (_, side, bytesMin) => {
      const path = await smallFile();
      let bytes = 0;
      for (let cut = true; cut; bytes += 1) {
        const how = bytes % 2 === 0 ? 'end' : 'reset';
        const central = await survive(path, { cuts: [{ side, bytes, how }], refusedBatches: [3] });
        cut = central.cut > 0;
        if (cut) expect(central.connections).toBeGreaterThan(1);
      }
      // Otherwise the conversation ended early, and few cuts happened.
      expect(bytes).toBeGreaterThan(bytesMin);
    },
  );

  test('at random places, repeatedly, stores every bet once', async () => {
    const path = await smallFile();
    const cut = fc.record({
      side: fc.constantFrom('heard' as const, 'said' as const),
      bytes: fc.integer({ min: 0, max: 250 }),
      how: fc.constantFrom('end' as const, 'reset' as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { maxLength: 12 }), fc.boolean(), async (cuts, refused) => {
        await survive(path, { cuts, refusedBatches: refused ? [3] : [] });
      }),
      { numRuns: 100, timeout: 20_000 },
    );
  });

  test('at random places, with lagging servers, stores every bet once', async () => {
    const path = await smallFile();
    const connection = fc.record({
      cut: fc.record({
        side: fc.constantFrom('heard' as const, 'said' as const),
        bytes: fc.integer({ min: 0, max: 250 }),
        how: fc.constantFrom('end' as const, 'reset' as const),
      }),
      behind: fc.nat({ max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(connection, { maxLength: 24 }),
        fc.integer({ min: 2, max: 3 }),
        fc.boolean(),
        async (connections, servers, refused) => {
          const cuts = connections.map(({ cut }) => cut);
          const behind = connections.map(each => each.behind);
          await survive(path, { cuts, behind, servers, refusedBatches: refused ? [3] : [] });
        },
      ),
      { numRuns: 100, timeout: 20_000 },
    );
  });
});
