// Makes docs/img/check-report.png: the report of `loteria check` on a solution that sends all
// winners to all agencies. It takes two minutes; `node scripts/check-picture.mjs --only privacy`
// takes a few seconds.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PYTHON_SERVER_MUTANTS } from '../test/check/subjects/python-server-mutants.ts';
import { makeSubject } from '../test/check/subjects/subject.ts';
import { PROGRAM } from '../test/support/built-program.ts';
import { launchChromium } from '../test/support/chromium.ts';

const IMAGE = join(import.meta.dirname, '../docs/img/check-report.png');
const MUTANT = 'winners-to-all';
const SEED = '4711';
const WIDTH = 1000;
const MARGIN = 24;

const { patches } = PYTHON_SERVER_MUTANTS.find(({ name }) => name === MUTANT);
const subject = makeSubject('python', patches);
const folder = mkdtempSync(join(tmpdir(), 'loteria-picture-'));
const report = join(folder, 'report.html');
try {
  const args = ['check', subject, '--how', 'native', '--seed', SEED, '--html', report];
  spawnSync(process.execPath, [PROGRAM, ...args, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, LANG: 'es_AR.UTF-8' },
  });
  const browser = await launchChromium();
  try {
    const viewport = { width: WIDTH, height: 800 };
    const page = await (await browser.newContext({ viewport, colorScheme: 'light' })).newPage();
    await page.goto(pathToFileURL(report).href);
    const { y, height } = await page.locator('#ej8-privacy').boundingBox();
    const clip = { x: 0, y: 0, width: WIDTH, height: y + height + MARGIN };
    await page.screenshot({ path: IMAGE, fullPage: true, clip });
    console.log(IMAGE);
  } finally {
    await browser.close();
  }
} finally {
  for (const each of [subject, folder]) rmSync(each, { recursive: true });
}
