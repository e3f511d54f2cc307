import { beforeEach, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { needChromium, openPage } from './browser.ts';
import { PageServer } from './page-server.ts';
import { snapshot } from './snapshots.ts';

beforeEach(needChromium);

const link = (page: Page, kind: string): Promise<void> =>
  page.locator(`[data-link=${kind}]`).waitFor();

/** Opacity of state, figures, tables and chart, which are dimmed while they are stale. */
const colours = (page: Page): Promise<string[]> =>
  page.evaluate(`['#state', '#bets', '#agencies td', '#events span', '#rate-chart'].map(selector => {
    const { color, opacity } = getComputedStyle(document.querySelector(selector));
    return color + ' ' + opacity;
  })`);

test('a lost connection is shown with the time of the last figures, and recovers without a reload', async () => {
  const server = await PageServer.open(snapshot());
  const { port } = server;
  const { page } = await openPage(server.address, { locale: 'en' });
  await link(page, 'live');
  await page.evaluate('window.sameDocument = true');
  expect(await page.title()).toBe('Taking bets · Lotería Nacional');
  const liveColours = await colours(page);
  await server.stop();
  await link(page, 'lost');
  expect(await page.locator('#lost').innerText()).toBe(
    'The connection to the central was lost. The figures are from 14:30:00. Retrying…',
  );
  expect(await page.title()).toBe('No connection · Lotería Nacional');
  const lostColours = await colours(page);
  for (const [index, colour] of liveColours.entries()) expect(lostColours[index]).not.toBe(colour);
  expect(await page.locator('#announcement').innerText()).toBe('No connection');
  expect(await page.locator('#bets').innerText()).toBe('1,234,567');
  await PageServer.open(snapshot({ bets: 1_300_000 }), port);
  await link(page, 'live');
  expect(await page.locator('#lost').isVisible()).toBe(false);
  expect(await page.title()).toBe('Taking bets · Lotería Nacional');
  expect(await colours(page)).toEqual(liveColours);
  expect(await page.locator('#announcement').innerText()).toBe('Reconnected to the central.');
  await expect.poll(() => page.locator('#bets').innerText()).toBe('1,300,000');
  expect(await page.evaluate('window.sameDocument')).toBe(true);
});

test('a response that is no stream counts as a lost connection, and is retried', async () => {
  const server = await PageServer.open(snapshot());
  server.liveStatus = 503;
  const { page } = await openPage(server.address);
  await link(page, 'lost');
  expect(await page.locator('#lost').innerText()).toBe(
    'No se pudo conectar con la central. Reintentando…',
  );
  server.liveStatus = 200;
  await link(page, 'live');
});

test('a silent central counts as a lost connection', async () => {
  const server = await PageServer.open(snapshot());
  const { page } = await openPage(server.address);
  // From here on, the test advances the page's clock.
  await page.clock.install();
  await page.reload();
  await link(page, 'live');
  server.silent = true;
  await page.clock.runFor(15_000);
  expect(await page.locator('#lost').isVisible()).toBe(false);
  await page.clock.runFor(5_000);
  await link(page, 'lost');
  server.silent = false;
  await page.clock.runFor(1_000);
  await link(page, 'live');
});

test('a central of another version asks for a reload', async () => {
  const server = await PageServer.open(snapshot());
  const { page } = await openPage(server.address);
  await link(page, 'live');
  server.show({ ...snapshot({ bets: 1 }), version: 2 } as never);
  await link(page, 'other-version');
  expect(await page.locator('#lost').innerText()).toContain('Hay que recargar la página');
  expect(await page.locator('#bets').innerText()).toBe('1.234.567');
});
