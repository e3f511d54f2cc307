import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, expect, onTestFinished, type TestContext } from 'vitest';
import { CHROMIUM, launchChromium } from '../support/chromium.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let running: Promise<Browser> | undefined;

afterAll(async () => {
  await (await running)?.close();
  running = undefined;
});

export function needChromium(context: TestContext): void {
  if (!existsSync(CHROMIUM)) context.skip(`there is no Chromium at ${CHROMIUM}`);
}

/** A page of the browser, by default in Spanish and light, and its violations. */
export interface WatchedPage {
  readonly page: Page;
  /**
   * Errors in the console, including violations of the content security policy, and requests to
   * other hosts.
   */
  readonly complaints: readonly string[];
}

/** Opens an address in a new profile. The end of the test closes it. */
export async function openPage(
  address: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  running ??= launchChromium();
  const context = await (await running).newContext({
    locale: 'es-AR',
    timezoneId: 'America/Argentina/Buenos_Aires',
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  const { host } = new URL(address);
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(String(error)));
  page.on('request', request => {
    if (new URL(request.url()).host !== host) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(address);
  return { page, complaints };
}

/** Finds accessibility faults, by the rules of WCAG 2.2 AA and axe's best practices. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(AXE);
  const { violations }: AxeResults = await page.evaluate('axe.run()');
  const found = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n${nodes.map(n => n.html).join('\n')}`,
  );
  expect(found).toEqual([]);
}

/** Whether everything fits into the width of the window. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const [content, window]: [number, number] = await page.evaluate(
    '[document.documentElement.scrollWidth, window.innerWidth]',
  );
  expect(content).toBeLessThanOrEqual(window);
}
