// Makes the pictures of the operator's page in docs/img/ from a real lottery: a central, and five
// agencies whose bets arrive gradually. `npm run screenshots` takes five minutes, and `npm run
// screenshots -- 30` half a minute, for a preview.
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { PROGRAM } from '../test/support/built-program.ts';
import { launchChromium } from '../test/support/chromium.ts';

const IMAGES = join(import.meta.dirname, '../docs/img');
const SECONDS = Number(process.argv[2] ?? 260);

/** Bets per second of each agency, and its share of active time. */
const AGENCIES = [
  { rate: 2600, until: 1.05 },
  { rate: 1900, until: 1.05 },
  { rate: 1400, until: 0.8 },
  { rate: 700, until: 1.05 },
  { rate: 150, until: 0.5 },
];

const TURN_MS = 200;

const DESKTOP = { viewport: { width: 1200, height: 960 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5 };

const folder = await mkdtemp(join(tmpdir(), 'loteria-screenshots-'));
const children = [];
const browser = await launchChromium();
try {
  await mkdir(IMAGES, { recursive: true });
  const lines = await makeBets();
  const { port, url } = await startCentral();
  const pages = {
    'page-en': await openPage(url, { ...DESKTOP, locale: 'en-GB', colorScheme: 'light' }),
    'page-es': await openPage(url, { ...DESKTOP, locale: 'es-AR', colorScheme: 'light' }),
    'page-phone': await openPage(url, { ...PHONE, locale: 'es-AR', colorScheme: 'dark' }),
  };
  const agencies = await Promise.all(
    AGENCIES.map((agency, index) => startAgency(agency, index + 1, port)),
  );
  const sent = agencies.map((agency, index) => feed(agency, lines[index]));
  await delay(SECONDS * 1000);
  for (const [name, page] of Object.entries(pages)) await picture(page, name);
  await Promise.all(sent);
  await Promise.all(agencies.map(agency => agency.exited));
  const drawn = await openPage(url, { ...DESKTOP, locale: 'en-GB', colorScheme: 'dark' });
  await drawn.locator('[data-state=drawn]').waitFor();
  await picture(drawn, 'page-drawn');
} finally {
  for (const child of children) child.kill('SIGKILL');
  await browser.close();
  await rm(folder, { recursive: true, force: true });
}

/** The lines of each agency's file. */
async function makeBets() {
  const seconds = SECONDS * 1.1;
  const most = Math.ceil(AGENCIES[0].rate * seconds * 2.2);
  execFileSync(process.execPath, [
    PROGRAM,
    'dataset',
    folder,
    '--agencies',
    '5',
    '--bets',
    String(most),
  ]);
  return Promise.all(
    AGENCIES.map(async (_, index) => {
      const text = await readFile(join(folder, `agency-${index + 1}.csv`), 'utf8');
      return text.split('\r\n').filter(line => line !== '');
    }),
  );
}

async function startCentral() {
  const env = { SERVER_PORT: '0', SERVER_HOST: '127.0.0.1', HTTP_PORT: '0', DATA_DIR: folder };
  const server = start('server', env);
  const found = {};
  for await (const line of createInterface({ input: server.stdout })) {
    found.port ??= / port: (\d+)/.exec(line)?.[1];
    found.url ??= / url: (\S+)/.exec(line)?.[1];
    if (found.port !== undefined && found.url !== undefined) break;
  }
  server.stdout.resume();
  return found;
}

/** A client whose file is a pipe. */
async function startAgency(agency, id, port) {
  const path = join(folder, `pipe-${id}.csv`);
  execFileSync('mkfifo', [path]);
  const pipe = await open(path, 'r+');
  const env = { CLI_ID: String(id), CLI_SERVER_ADDRESS: `127.0.0.1:${port}`, CLI_FILE_NAME: path };
  const client = start('client', { ...env, CLI_LOOP_PERIOD: '200ms' });
  client.stdout.resume();
  const exited = new Promise(resolve => client.on('exit', resolve));
  return { ...agency, id, pipe, exited };
}

/** Writes an agency's bets at a varying rate. */
async function feed({ id, rate, until, pipe }, lines) {
  const begin = performance.now();
  let next = 0;
  for (;;) {
    const share = (performance.now() - begin) / (SECONDS * 1000);
    if (share > until) break;
    const tide = 0.7 + 0.2 * Math.sin(share * 9 + id) + 0.1 * Math.sin(share * 31 * id);
    const count = Math.round((rate * tide * TURN_MS) / 1000);
    await pipe.write(
      lines
        .slice(next, next + count)
        .map(line => `${line}\r\n`)
        .join(''),
    );
    next += count;
    await delay(TURN_MS);
  }
  await pipe.close();
}

function start(command, env) {
  const child = spawn(process.execPath, [PROGRAM, command], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function openPage(url, options) {
  const context = await browser.newContext({
    timezoneId: 'America/Argentina/Buenos_Aires',
    ...options,
  });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

async function picture(page, name) {
  const path = join(IMAGES, `${name}.png`);
  // On a phone, only the first screen.
  await page.screenshot({ path, fullPage: name !== 'page-phone' });
  console.log(path);
}
