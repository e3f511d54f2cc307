import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { bet, done, END, helo, sbet, WAIT } from '../support/base-frames.ts';
import { freePort } from '../support/free-port.ts';
import { Peer } from '../support/peer.ts';
import { type Program, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { expectAccessible, needChromium, openPage } from './browser.ts';

beforeEach(needChromium);

const BATCH = 50;

/** Bets with distinct documents; the first of each batch wins. */
const batch = (agency: number, seq: number): string[][] =>
  Array.from({ length: BATCH }, (_, index) =>
    bet(documentOf(agency, seq, index), index === 0 ? 7574 : 1),
  );

const documentOf = (agency: number, seq: number, index: number): number =>
  30_000_000 + agency * 100_000 + seq * 1_000 + index;

/** A central of two agencies in a folder, on ports that a restart keeps. */
async function central() {
  const folder = await temporaryFolder();
  const [port, httpPort] = [await freePort(), await freePort()];
  const ports = { SERVER_PORT: String(port), HTTP_PORT: String(httpPort) };
  const start = async (): Promise<Program> =>
    (await startServer(folder, { NUMBER_AGENCIES: '2', ...ports })).server;
  const address = `http://127.0.0.1:${httpPort}/`;
  return { folder, port, start, address };
}

async function uploader(port: number, agency: number, next = 1): Promise<Peer> {
  const peer = await Peer.connect(port);
  peer.send(helo(agency));
  expect(await peer.frame()).toMatch(new RegExp(`^WELC ${next}\\|`));
  return peer;
}

async function upload(peer: Peer, agency: number, seq: number): Promise<void> {
  peer.send(sbet(seq, ...batch(agency, seq)));
  expect(await peer.frame()).toBe('OK');
}

async function finish(peer: Peer, batches: number): Promise<void> {
  for (const message of [done(batches, batches * BATCH), END]) {
    peer.send(message);
    expect(await peer.frame()).toBe('OK');
  }
}

const shows = (page: Page, selector: string, text: string): Promise<void> =>
  expect.poll(() => page.locator(selector).innerText()).toBe(text);

const row = (page: Page, agency: number): Promise<string> =>
  page
    .locator(`#agencies tr:nth-child(${agency}) :is(th, td):visible`)
    .allInnerTexts()
    .then(texts => texts.join('|'));

test('an upload, a crash, the draw and a restart, on one page that is never loaded again', async () => {
  const { folder, port, start, address } = await central();
  const killed = await start();
  const { page, complaints } = await openPage(address, { locale: 'en' });
  await page.evaluate('window.sameDocument = true');
  await shows(page, '#state-detail', 'Waiting for agencies 1, 2.');

  // Figures change while bets arrive.
  const first = await uploader(port, 1);
  for (const seq of [1, 2, 3]) {
    await upload(first, 1, seq);
    await shows(page, '#bets', String(seq * BATCH));
  }
  expect(await row(page, 1)).toMatch(/^1\|yes\|150\|\d+\|0\|no$/);
  expect(await row(page, 2)).toBe('2|no|0|0|0|no');
  await expect.poll(() => page.locator('#rate-summary').innerText()).toContain('150\u00a0bets');
  await shows(page, '#connections', '1');
  expect(await page.locator('#sync-median').innerText()).toMatch(/^[\d.,]+\sms$/);
  expect(await page.locator('#disk-left').innerText()).toMatch(/^[\d.,]+\s[kMGT]?B$/);
  expect(complaints).toEqual([]);
  await expectAccessible(page);

  killed.kill('SIGKILL');
  await page.locator('[data-link=lost]').waitFor();
  await expectAccessible(page);
  const drawing = await start();
  await page.locator('[data-link=live]').waitFor();
  await shows(page, '#bets', '150');

  // Both finish, and the draw is held.
  const peers = [await uploader(port, 1, 4), await uploader(port, 2)];
  await upload(peers[1]!, 2, 1);
  await finish(peers[0]!, 3);
  await shows(page, '#state-detail', 'Waiting for agency 2.');
  await finish(peers[1]!, 1);
  await shows(page, '#state', 'Draw held');
  const seal = createHash('sha256')
    .update(await readFile(join(folder, 'bets.csv')))
    .digest('hex');
  await shows(page, '#draw-seal', seal);
  await shows(page, '#draw-winners', '4');
  await expect.poll(() => row(page, 1)).toBe('1|150|0|3');
  await expect.poll(() => row(page, 2)).toBe('2|50|0|1');
  peers[1]!.send(WAIT);
  expect(await peers[1]!.frame()).toBe(`RWIN 1|${documentOf(2, 1, 0)}`);
  await expectAccessible(page);

  drawing.kill('SIGTERM');
  await page.locator('[data-link=lost]').waitFor();
  await start();
  await page.locator('[data-link=live]').waitFor();
  await shows(page, '#state', 'Draw held');
  await shows(page, '#draw-seal', seal);

  expect(await page.evaluate('window.sameDocument')).toBe(true);
  expect(await page.content()).not.toMatch(/3[01]\d{6}/);
  expect(complaints.filter(complaint => !complaint.includes('net::ERR'))).toEqual([]);
});

test('every event of the stream has a sentence', async () => {
  const { port, start, address } = await central();
  await start();
  const { page } = await openPage(address);
  const peer = await uploader(port, 1);
  await upload(peer, 1, 1);
  peer.send('ffffffff');
  peer.send(done(1, 50));
  await expect.poll(() => page.locator('#events').innerText()).toContain('rechazado');
  const sentences = await page.locator('#events span').allInnerTexts();
  expect(sentences.join('\n')).not.toMatch(/undefined|\{|^[a-z-]+$/m);
});
