import { expect, test } from 'vitest';
import type { Agency } from '../../src/agency/agency.ts';
import type { ResumableAgency } from '../../src/agency/resumable-agency.ts';
import { tlsConnector } from '../../src/agency/tls-connector.ts';
import { TestCentral, type TestCentralOptions } from '../support/test-central.ts';
import { signed } from '../support/certificates.ts';
import { openSlowLink } from '../support/slow-link.ts';
import { betsFile, type Started, startAgency, startResumable, uploadFile } from './start-agency.ts';

const OVER = { batchAmountMax: 130, batchWindow: 64 };

/** Uploads with the product's limits. @returns the number of bets of each stored batch */
async function uploadOver(
  bitsPerSecond: number,
  bets: number,
  start: (port: number) => Started<Agency | ResumableAgency>,
  tls?: TestCentralOptions['tls'],
): Promise<number[]> {
  const central = await TestCentral.open({ agencies: [1], ...(tls && { tls }) });
  const { agency, events } = start(await openSlowLink(central.port, bitsPerSecond));
  expect(await uploadFile(agency, await betsFile(bets))).toBe(bets);
  expect(await agency.finishAndAwaitWinners()).toEqual([]);
  expect(central.of('connection-cut')).toEqual([]);
  expect(events.of('reconnecting')).toEqual([]);
  return central.of('batch-stored').map(({ count }) => count);
}

const BASE = { ...OVER, batchWindow: 1 };

/** Concurrently, because each takes half a minute. */
test('links of 2 and of 4 kbit/s carry uploads in batches that fit them, and mutual TLS', async () => {
  const trusted = await signed();
  const identity = await trusted.agency(1);
  const tls = { identity: trusted.server, clientAuthority: trusted.ca };
  const connector = tlsConnector(() => ({ authority: trusted.ca, identity }));
  const overTls = { ...OVER, connector };
  const [base2, base4, ...others] = await Promise.all([
    uploadOver(2_000, 250, port => startAgency(port, BASE)),
    uploadOver(4_000, 400, port => startAgency(port, BASE)),
    uploadOver(2_000, 300, port => startResumable(port, OVER)),
    uploadOver(4_000, 500, port => startResumable(port, OVER)),
    uploadOver(2_000, 3, port => startResumable(port, overTls), tls),
    uploadOver(4_000, 3, port => startResumable(port, overTls), tls),
  ]);
  expect([base2.slice(0, 2), base4.slice(0, 2)]).toEqual([
    [130, 65],
    [130, 65],
  ]);
  expect(others).toEqual([[130, 130, 40], [130, 130, 130, 110], [3], [3]]);
});
