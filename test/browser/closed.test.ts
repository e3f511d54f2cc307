import { beforeEach, describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/http/snapshot.ts';
import { expectAccessible, expectNoSidewaysScrolling, needChromium, openPage } from './browser.ts';
import { PageServer } from './page-server.ts';
import { snapshot } from './snapshots.ts';

beforeEach(needChromium);

const SHA256 = 'e15cdf8894ef79a28f7c9bf7959dec9ba42de92c7683144d1687794bbcc60105';

/** A closed lottery before its draw. */
function closed(changes: Partial<NonNullable<Snapshot['acta']>> = {}): Snapshot {
  return {
    ...snapshot(),
    state: 'closed',
    expected: 5,
    finished: 5,
    waitingFor: [],
    acta: { number: 2, closedAt: '2026-11-21T17:29:00.000Z', sha256: SHA256, ...changes },
    withdrawnActas: [1],
  };
}

async function showing(given: Snapshot, options: Parameters<typeof openPage>[1] = {}) {
  const server = await PageServer.open(given);
  const { page, complaints } = await openPage(server.address, options);
  await page.locator('#acta').waitFor();
  const read = async (selector: string): Promise<string> =>
    (await page.locator(selector).innerText()).trim();
  return { page, complaints, read };
}

describe('the page of a closed lottery', () => {
  test('shows the acta with its link and digest, and counts down to the draw', async () => {
    const { page, complaints, read } = await showing(
      closed({ drawAt: '2026-11-21T17:39:05.000Z' }),
    );
    expect(await read('#state')).toBe('Apuestas cerradas');
    expect(await read('#state-detail')).toBe('Faltan 9:05 para el sorteo.');
    expect(await read('#acta-link')).toBe('Acta 2');
    expect(await page.locator('#acta-link').getAttribute('href')).toBe('acta');
    expect(await read('#acta-withdrawn')).toBe('retirada: 1');
    expect(await read('#acta-sha256')).toBe(SHA256);
    expect(await page.locator('#disputed').isHidden()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test.each([390, 1280])(
    'says whom it waits for and who disputes the acta, %i pixels wide',
    async width => {
      const disputes = [1, 3].map(agency => ({ agency, detail: 'other bets' }));
      const given = { ...closed({ awaitsSignature: '/data/acta.sig' }), disputes };
      const options = { locale: 'en-US', viewport: { width, height: 800 } };
      const { page, read } = await showing(given, options);
      expect(await read('#state-detail')).toBe(
        "The draw waits for the auditor's signature in /data/acta.sig.",
      );
      expect(await read('#disputed')).toBe('What agencies 1, 3 sent differs from the acta.');
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
    },
  );

  test('lists a bounded number of agencies, and counts the rest', async () => {
    const { read } = await showing({ ...closed(), agenciesInAll: 65_535 });
    expect(await read('#agencies-rest')).toBe('y otras 65.530');
  });
});
