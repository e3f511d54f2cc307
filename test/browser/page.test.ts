import { beforeEach, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { Snapshot } from '../../src/http/snapshot.ts';
import { expectAccessible, expectNoSidewaysScrolling, needChromium, openPage } from './browser.ts';
import { PageServer } from './page-server.ts';
import { agency, drawn, snapshot } from './snapshots.ts';

beforeEach(needChromium);

const read = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).innerText()).replaceAll('\u00a0', ' ');

/** The rows of a table's body, with cells separated by `|`. */
async function rows(page: Page, body: string): Promise<string[]> {
  const found = await page.locator(`${body} tr`).all();
  return Promise.all(
    found.map(async row => (await row.locator(':is(th, td):visible').allInnerTexts()).join('|')),
  );
}

async function showing(given: Snapshot, options: Parameters<typeof openPage>[1] = {}) {
  const server = await PageServer.open(given);
  const watched = await openPage(server.address, options);
  await watched.page.locator('#agencies tr').first().waitFor();
  return { server, ...watched };
}

describe('the page shows', () => {
  test('during an upload: the missing agencies, figures, a row per agency, and events', async () => {
    const { page, complaints } = await showing(snapshot());
    expect(await read(page, '#state')).toBe('Recibiendo apuestas');
    expect(await read(page, '#state-detail')).toBe('Faltan las agencias 2–4.');
    expect(await read(page, '#finished-text')).toBe('Terminaron 2 de 5 agencias');
    expect(await read(page, '#bets')).toBe('1.234.567');
    expect(await read(page, '#bets-per-second')).toBe('8.700');
    expect(await read(page, '#connections')).toBe('4');
    expect(await read(page, '#sync-median')).toBe('1,50 ms');
    expect(await read(page, '#sync-detail')).toBe('mediana, p99 12,8 ms, última 1,25 ms');
    expect(await read(page, '#disk-left')).toBe('412 GB');
    expect(await rows(page, '#agencies')).toEqual([
      '1|sí|201.111|0|0|sí',
      '2|sí (2)|202.222|2.000|3|no',
      '3|sí|203.333|3.000|0|no',
      '4|no|204.444|4.000|0|no',
      '5|sí|205.555|0|0|sí',
    ]);
    expect(await page.locator('#events li').allInnerTexts()).toEqual([
      '14:29:58\nTerminó la agencia 5; faltan 3\u00a0agencias.',
      '14:25:10\nMensaje de la agencia 2 (10.0.0.7) rechazado: bad-bet. (3\u00a0veces)',
      '14:20:00\nEscuchando en el puerto 12345 (tp0).',
    ]);
    expect(await page.title()).toBe('Recibiendo apuestas · Lotería Nacional');
    expect(complaints).toEqual([]);
  });

  test('after the draw: its time, the number of winners, and the seal', async () => {
    const { page } = await showing(drawn(), { locale: 'en-US' });
    expect(await read(page, '#state')).toBe('Draw held');
    expect(await read(page, '#draw-held')).toBe('21 Nov 2026, 14:29:59');
    expect(await read(page, '#draw-winners')).toBe('12');
    expect(await read(page, '#draw-seal')).toBe(drawn().seal);
    expect(await page.locator('#finished').isVisible()).toBe(false);
    const size = (selector: string): Promise<number> =>
      page.evaluate(`parseFloat(getComputedStyle(document.querySelector('${selector}')).fontSize)`);
    expect(await size('#draw-winners')).toBeGreaterThan(await size('#bets'));
    // Nothing else can change any more.
    expect(await page.locator('.agencies thead th:visible').allInnerTexts()).toEqual([
      'Agency',
      'Bets',
      'Refused',
      'Winners',
    ]);
    expect(await rows(page, '#agencies')).toContain('3|203,333|0|3');
    expect(await page.locator('#bets-per-second').isVisible()).toBe(false);
  });

  test('the chart, as a sentence and as a table', async () => {
    const history = [10, 40, 20].map((bets, index) => ({ second: 1_795_282_140 + index, bets }));
    const { page } = await showing(snapshot({ history }), { locale: 'en-US' });
    const sentence = 'From 14:29:00 to 14:29:03: 70 bets. Maximum: 40 per second, at 14:29:01.';
    expect(await read(page, '#rate-summary')).toBe(sentence);
    expect(await page.getByRole('img', { name: 'From 14:29:00' }).locator('canvas').count()).toBe(
      1,
    );
    await page.getByText('Show as a table').click();
    const slices = await rows(page, '#rate-rows');
    expect(slices).toEqual(['14:29:00|70|23|40']);
    await expectAccessible(page);
  });

  test('the chart with whole bets and elapsed time at its axes', async () => {
    const { page, server } = await showing(snapshot());
    await page.evaluate(`{
      const { fillText, clearRect } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.clearRect = function (...at) {
        window.drawnTexts = [];
        return clearRect.apply(this, at);
      };
      CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
        window.drawnTexts.push(text);
        return fillText.call(this, text, ...at);
      };
    }`);
    const labels = async (bets: readonly number[], summary: string): Promise<string[]> => {
      const begin = 1_795_282_200 - bets.length;
      const history = bets.map((count, index) => ({ second: begin + index, bets: count }));
      server.show(snapshot({ history }));
      await expect.poll(() => read(page, '#rate-summary')).toContain(summary);
      const texts: string[] = await page.evaluate('window.drawnTexts');
      return texts.filter(text => text !== '');
    };
    const none = Array.from({ length: 300 }, () => 0);
    const minutes = [25, 26, 27, 28, 29].flatMap(minute => [`14:${minute}:00`, `14:${minute}:30`]);
    const even = ['0', '2', '4', '6', '8', '10'];
    expect(await labels(none, 'Ninguna apuesta')).toEqual([...minutes, ...even]);
    // Ten seconds of a lottery, after idle minutes.
    const seconds = [49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59].map(second => `14:29:${second}`);
    expect(
      await labels([...none.slice(10), ...none.slice(290).fill(20_000)], 'De 14:29:49 a 14:30:00'),
    ).toEqual([...seconds, '0', '5.000', '10.000', '15.000', '20.000']);
  });

  test('the newest events, and older ones on request', async () => {
    const { time } = snapshot();
    const events = Array.from({ length: 50 }, (_, index) => ({
      id: 50 - index,
      time,
      kind: 'agency-finished',
      params: { agency: 50 - index, missing: 1 },
    }));
    const { page } = await showing(snapshot({ events }));
    const visible = page.locator('.events li:visible');
    expect(await visible.count()).toBe(8);
    // No list has its own scroll bar, which would truncate a line.
    expect(
      await page.evaluate(
        "[...document.querySelectorAll('.events')].filter(list => list.scrollHeight > list.clientHeight).length",
      ),
    ).toBe(0);
    await page.getByText('Eventos anteriores').click();
    expect(await visible.count()).toBe(50);
    await expectAccessible(page);
  });

  test('a full disk, in an announced sentence', async () => {
    const { page, server } = await showing(snapshot());
    server.show(
      snapshot({
        ready: { ok: false, reason: 'disk-full' },
        disk: { freeBytes: 0, totalBytes: 5e11 },
      }),
    );
    await page.locator('#not-ready').waitFor();
    expect(await read(page, '#not-ready')).toContain('el disco está lleno');
    expect(await read(page, '#announcement')).toContain('el disco está lleno');
    expect(await read(page, '#disk-left')).toBe('0 kB');
    await expectAccessible(page);
  });

  test('no free space for a store without a disk', async () => {
    const { disk: _, ...rest } = snapshot();
    const { page } = await showing(rest);
    expect(await page.locator('#disk').isVisible()).toBe(false);
  });

  test('hundreds of agencies that connect and disconnect', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => index + 1);
    const many = snapshot({
      agencies: ids.map(id => agency(id)),
      waitingFor: ids.filter(id => id % 2 === 0),
    });
    const { page, server } = await showing(many);
    expect(await page.locator('#agencies tr').count()).toBe(300);
    expect(await read(page, '#state-detail')).toMatch(/^Faltan las agencias 2, 4, 6, .*, 24, …\.$/);
    server.show(snapshot({ agencies: [agency(7)] }));
    await expect.poll(() => rows(page, '#agencies')).toEqual(['7|sí|207.777|7.000|0|no']);
  });

  test('only the kind of an unknown event, and no markup', async () => {
    const time = snapshot().time;
    const { page, complaints } = await showing(
      snapshot({
        events: [
          { id: 2, time, kind: 'news', params: { document: '30904465' } },
          {
            id: 1,
            time,
            kind: 'failed',
            params: { action: '<img src=x onerror=alert(1)>', error: '</li>' },
          },
        ],
      }),
    );
    expect(await page.locator('#events span').allInnerTexts()).toEqual([
      'news',
      'Falla (<img src=x onerror=alert(1)>): </li>.',
    ]);
    expect(await page.content()).not.toContain('30904465');
    expect(complaints).toEqual([]);
  });
});

const STATES: readonly (readonly [string, Snapshot])[] = [
  ['recovering', snapshot({ state: 'recovering', agencies: [agency(1)], events: [] })],
  ['open', snapshot()],
  ['complete', snapshot({ state: 'complete', waitingFor: [] })],
  ['drawn', drawn()],
  ['stopping', snapshot({ state: 'stopping', ready: { ok: false, reason: 'stopping' } })],
];

const LOOKS = [
  ['light, in Spanish', { colorScheme: 'light', locale: 'es-AR' }],
  ['dark, in English', { colorScheme: 'dark', locale: 'en-GB' }],
  [
    'on a phone',
    { colorScheme: 'light', locale: 'es', viewport: { width: 320, height: 640 }, isMobile: true },
  ],
  ['on a dark phone', { colorScheme: 'dark', locale: 'en', viewport: { width: 390, height: 844 } }],
] as const;

describe.each(LOOKS)('%s', (_name, options) => {
  test('every state is accessible, fits the width and loads from no other host', async () => {
    const server = await PageServer.open(snapshot());
    const { page, complaints } = await openPage(server.address, options);
    for (const [state, given] of STATES) {
      server.show(given);
      await page.locator(`[data-state=${state}]`).waitFor();
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
    }
    await server.stop();
    await page.locator('#lost').waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
    // The broken stream is an expected error in the console.
    expect(complaints.filter(text => !text.includes('net::ERR'))).toEqual([]);
  });
});

test('the page and the chart follow the color scheme of the device', async () => {
  const { page } = await showing(snapshot(), { colorScheme: 'light' });
  const ground = (): Promise<string> =>
    page.evaluate('getComputedStyle(document.body).backgroundColor');
  const picture = (): Promise<string> =>
    page.evaluate("document.querySelector('canvas').toDataURL()");
  const [lightGround, lightPicture] = [await ground(), await picture()];
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(ground).not.toBe(lightGround);
  await expect.poll(picture).not.toBe(lightPicture);
});

test('a request to another host is detected and blocked', async () => {
  const { page, complaints } = await showing(snapshot());
  expect(
    await page.evaluate("fetch('http://127.0.0.2:9/').then(() => 'through', () => 'refused')"),
  ).toBe('refused');
  await expect.poll(() => complaints.join('\n')).toContain('Content Security Policy');
});

describe('language', () => {
  test("is the browser's until another is chosen, which is remembered", async () => {
    const { page } = await showing(snapshot(), { locale: 'es-MX' });
    expect(await page.locator('html').getAttribute('lang')).toBe('es');
    await page.getByRole('button', { name: 'English' }).click();
    expect(await read(page, '#state')).toBe('Taking bets');
    expect(await read(page, '#bets')).toBe('1,234,567');
    expect(await read(page, '#events li:first-child')).toContain(
      'Agency 5 finished; 3 agencies missing.',
    );
    await page.reload();
    await page.locator('#agencies tr').first().waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(await read(page, '#state')).toBe('Taking bets');
  });

  test('is English for browsers that prefer an unsupported one', async () => {
    const { page } = await showing(snapshot(), { locale: 'fi-FI' });
    expect(await read(page, '#state')).toBe('Taking bets');
  });
});

describe('without a screen or a mouse', () => {
  test('every control works with the keyboard', async () => {
    const [event] = snapshot().events;
    const events = Array.from({ length: 9 }, (_, id) => ({ ...event!, id }));
    const { page } = await showing(snapshot({ events }));
    const focused = (): Promise<string> =>
      page.evaluate('document.activeElement.id || document.activeElement.textContent.trim()');
    const reached: string[] = [];
    for (let stop = 0; stop < 4; stop += 1) {
      await page.keyboard.press('Tab');
      reached.push(await focused());
    }
    expect(reached).toEqual(['Español', 'English', 'Ver como tabla', 'Eventos anteriores']);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    expect(await page.locator('#rate-rows').isVisible()).toBe(true);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Space');
    expect(await read(page, '#state')).toBe('Taking bets');
  });

  test('landmarks, headings and tables have names', async () => {
    const { page } = await showing(snapshot(), { locale: 'en' });
    for (const role of ['banner', 'main', 'contentinfo'] as const) {
      expect(await page.getByRole(role).count()).toBe(1);
    }
    const headings = await page.getByRole('heading').allInnerTexts();
    expect(headings).toEqual([
      'Lotería Nacional',
      'Taking bets',
      'Figures',
      'Bets per second',
      'Agencies',
      'Recent events',
    ]);
    expect(
      await page.getByRole('table', { name: 'What each agency' }).getByRole('columnheader').count(),
    ).toBe(6);
    expect(await page.getByRole('rowheader', { name: '3', exact: true }).count()).toBe(1);
  });

  test('a narrow screen keeps the roles of a table', async () => {
    const { page } = await showing(snapshot(), {
      locale: 'en',
      viewport: { width: 360, height: 640 },
    });
    const table = page.getByRole('table', { name: 'What each agency' });
    expect(await table.getByRole('columnheader').count()).toBe(6);
    expect(await table.getByRole('row').count()).toBe(6);
    expect(await table.getByRole('cell').count()).toBe(25);
  });

  test('only new states and finished agencies are announced, never figures', async () => {
    const { page, server } = await showing(snapshot(), { locale: 'en' });
    const announced = (): Promise<string> => read(page, '#announcement');
    server.show(snapshot({ bets: 2_000_000 }));
    await expect.poll(() => read(page, '#bets')).toBe('2,000,000');
    expect(await announced()).toBe('');
    const agencies = [1, 2, 3, 4, 5].map(id => agency(id, { finished: id !== 4 }));
    server.show(snapshot({ waitingFor: [4], agencies }));
    await expect.poll(announced).toBe('Agencies 2, 3 have finished.');
    server.show(drawn());
    await expect.poll(announced).toBe('Agency 4 has finished. Draw held.');
  });
});
