import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { formatHtml } from '../../src/check/report/html.ts';
import type { Language } from '../../src/check/finding.ts';
import { HOSTILE, sampleReport } from '../check/report/sample-report.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { expectAccessible, expectNoSidewaysScrolling, needChromium, openPage } from './browser.ts';

beforeEach(needChromium);

async function openReport(language: Language, options: Parameters<typeof openPage>[1] = {}) {
  const path = join(await temporaryFolder(), 'report.html');
  await writeFile(path, formatHtml(sampleReport(language)));
  return openPage(pathToFileURL(path).href, options);
}

describe('the report of loteria check', () => {
  test.each([
    ['es', 'light', 1280],
    ['en', 'dark', 1280],
    ['es', 'dark', 360],
    ['en', 'light', 360],
  ] as const)(
    'is accessible and fits in %s, %s, %i pixels wide',
    async (language, colorScheme, width) => {
      const { page, complaints } = await openReport(language, {
        colorScheme,
        viewport: { width, height: 800 },
      });
      // Opens what is collapsed.
      await page.evaluate(
        "document.querySelectorAll('details').forEach(each => (each.open = true))",
      );
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
      expect(complaints).toEqual([]);
    },
  );

  test('needs no script, and escapes the output of a program', async () => {
    const { page } = await openReport('es', { javaScriptEnabled: false });
    const finding = page.locator('#ej8-privacy');
    await expect.poll(() => finding.getAttribute('open')).toBe('');
    const text = await finding.innerText();
    expect(text).toContain(HOSTILE.slice(0, 26));
    expect(text).toContain('servidor → cliente 1');
    expect(text).toContain('Es de la agencia 2.');
    expect(await page.locator('script').count()).toBe(0);
  });

  test('links each cell of the table to its finding', async () => {
    const { page } = await openReport('es');
    await page.getByRole('link', { name: 'ej8 privacy: falla' }).click();
    expect(new URL(page.url()).hash).toBe('#ej8-privacy');
  });
});
