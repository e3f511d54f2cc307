import { describe, expect, test } from 'vitest';
import type { Agency } from '../../src/agency/agency.ts';
import type { ResumableAgency } from '../../src/agency/resumable-agency.ts';
import { tlsConnector } from '../../src/agency/tls-connector.ts';
import { TestCentral, type TestCentralOptions } from '../support/test-central.ts';
import { signed } from '../support/certificates.ts';
import { openSlowLink } from '../support/slow-link.ts';
import { betsFile, type Started, startAgency, startResumable, uploadFile } from './start-agency.ts';

const OVER = { batchAmountMax: 130, batchWindow: 64 };

/** Uploads with the limits of the product, and returns the bets of each batch that was stored. */
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

describe('links of 2 and of 4 kbit/s', () => {
  test('carry a base upload in shrinking batches', async () => {
    const start = (port: number): Started<Agency> => startAgency(port, { ...OVER, batchWindow: 1 });
    const uploads = await Promise.all([
      uploadOver(2_000, 250, start),
      uploadOver(4_000, 400, start),
    ]);
    expect(uploads.map(([first, second]) => [first, second])).toEqual([
      [130, 65],
      [130, 65],
    ]);
  });

  test('carry a resumable upload in full batches', async () => {
    const start = (port: number): Started<ResumableAgency> => startResumable(port, OVER);
    const uploads = await Promise.all([
      uploadOver(2_000, 300, start),
      uploadOver(4_000, 500, start),
    ]);
    expect(uploads).toEqual([
      [130, 130, 40],
      [130, 130, 130, 110],
    ]);
  });

  test('complete a mutual TLS handshake in time', async () => {
    const trusted = await signed();
    const identity = await trusted.agency(1);
    const tls = { identity: trusted.server, clientAuthority: trusted.ca };
    const connector = tlsConnector(() => ({ authority: trusted.ca, identity }));
    const start = (port: number): Started<ResumableAgency> =>
      startResumable(port, { ...OVER, connector });
    const uploads = await Promise.all([
      uploadOver(2_000, 3, start, tls),
      uploadOver(4_000, 3, start, tls),
    ]);
    expect(uploads).toEqual([[3], [3]]);
  });
});
