import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasWon } from '../../../src/lottery/catedra.ts';
import { holdDraw } from '../../../src/lottery/draw.ts';
import { batchNamed, betsNamed, storedBets } from '../../contract/store-contract.ts';
import { rowsOf } from '../../lottery/bets.ts';
import { until } from '../../support/until.ts';
import { needPostgres, postgresMissing } from '../../support/postgres.ts';
import { PostgresCluster, ROLE } from '../../support/postgres-cluster.ts';
import { temporaryFolder } from '../../support/temp-folder.ts';
import { loteria } from '../store-folder.ts';
import { environmentOf, newLottery, openServer, type Options } from './lotteries.ts';
import { sealDraw } from '../../support/seal-draw.ts';

let postgres: PostgresCluster;

beforeEach(needPostgres);
beforeAll(async () => {
  if (postgresMissing() === undefined) postgres = await PostgresCluster.start(1);
});
afterAll(() => postgres?.end());

/** A server with bets of two agencies; agency 2 has finished. */
async function filled() {
  const options = newLottery(postgres);
  const server = await openServer(options);
  const { store } = server;
  await store.append(batchNamed(1, 2, 1), { upload: 'one', seq: 1 });
  // One record, of which some rows become void.
  await Promise.all([
    store.append(batchNamed(2, 3, 2)),
    store.append(batchNamed(3, 1, 1), { upload: 'one', seq: 2 }),
    store.append(batchNamed(4, 2, 2), { upload: 'two', seq: 1 }),
  ]);
  await store.note({ kind: 'finished', agency: 2, upload: 'two' });
  return { ...server, options, command: (...args: string[]) => run(options, args) };
}

async function run(options: Options, args: readonly string[]): Promise<string> {
  const said = await loteria(await temporaryFolder(), args, environmentOf(postgres, options));
  expect([said.stderr, said.code]).toEqual(['', 0]);
  return said.stdout;
}

async function exported(options: Options): Promise<string> {
  const folder = await temporaryFolder();
  const { code, stderr } = await loteria(
    folder,
    ['export', 'out.csv'],
    environmentOf(postgres, options),
  );
  expect([stderr, code]).toEqual(['', 0]);
  return readFile(join(folder, 'out.csv'), 'utf8');
}

async function view({ lottery }: Options): Promise<unknown> {
  const text =
    'SELECT agency, bets::int, finished FROM lottery_agencies WHERE lottery = $1 ORDER BY agency';
  return postgres.primary.sql(text, [lottery], ROLE.database);
}

describe('an intervention beside a running server', () => {
  test('void of an agency updates the server, the export, the views and the draw', async () => {
    const { store, lottery, options, command } = await filled();
    expect(await command('agency', 'void', '2', '--reason', 'wrong file')).toMatch(
      /^agency 2 voided, bets: 5, .*: wrong file\n$/,
    );
    await until(() => lottery.interventions.length > 0, 'news');
    expect([lottery.missing, [...lottery.bets], lottery.uploads.of(2)]).toEqual([
      [1, 2],
      [[1, 3]],
      [],
    ]);
    for (const one of [lottery, (await openServer(options)).lottery])
      expect(one.uploads.voidedOf(2)).toEqual(['two']);
    const left = [...betsNamed(1, 2, 1), ...betsNamed(3, 1, 1)];
    expect(await storedBets(store)).toEqual(left);
    expect(await exported(options)).toBe(rowsOf(left).toString());
    expect(await view(options)).toEqual([
      { agency: 1, bets: 3, finished: false },
      { agency: 2, bets: 0, finished: false },
    ]);
    await store.append(batchNamed(5, 1, 2), { upload: 'two', seq: 1 });
    await store.note({ kind: 'finished', agency: 2, upload: 'two' });
    await store.note({ kind: 'finished', agency: 1, upload: 'one' });
    const draw = await holdDraw(store.bets(), hasWon);
    expect(draw.bets).toBe(4);
    await sealDraw(store, draw);
    expect(await exported(options)).toBe(rowsOf([...left, ...betsNamed(5, 1, 2)]).toString());
    expect(await view(options)).toEqual([
      { agency: 1, bets: 3, finished: true },
      { agency: 2, bets: 1, finished: true },
    ]);
  });

  test('void of an upload also applies to a server that starts later', async () => {
    const { options, command } = await filled();
    await command('agency', 'void', '2', '--upload', 'two', '--reason', 'wrong file');
    const later = await openServer(options);
    const left = [...betsNamed(1, 2, 1), ...betsNamed(2, 3, 2), ...betsNamed(3, 1, 1)];
    expect(await storedBets(later.store)).toEqual(left);
    expect(await exported(options)).toBe(rowsOf(left).toString());
    expect(later.lottery.bets.get(2)).toBe(3);
    expect(await command('agency', 'list')).toContain('upload two voided, bets: 2');
  });

  test('reopen lets an agency continue; agencies set changes the expected agencies', async () => {
    const { lottery, options, command } = await filled();
    await command('agency', 'reopen', '2', '--reason', 'one more file');
    await command('agencies', 'set', '1-3', '--reason', 'agency 3 came late');
    await until(() => lottery.interventions.length === 2, 'news');
    expect([lottery.missing, lottery.refusalOfBets(2), lottery.refusalOfBets(3)]).toEqual([
      [1, 2, 3],
      undefined,
      undefined,
    ]);
    const text = 'SELECT agencies FROM lottery_state WHERE lottery = $1';
    expect(await postgres.primary.sql(text, [options.lottery], ROLE.database)).toEqual([
      { agencies: '1-3' },
    ]);
    expect((await openServer(options)).lottery.missing).toEqual([1, 2, 3]);
  });

  test('reopen of a closed lottery withdraws its acta on every server', async () => {
    const { store, lottery, options, command } = await filled();
    await store.note({ kind: 'finished', agency: 1, upload: 'one' });
    const { agencies: _, ...digest } = await store.digest();
    const acta = { number: 1, time: '2026-01-02T03:04:05.000Z', bets: 8, text: 'x\n', ...digest };
    await store.note({ kind: 'closed', acta });
    const later = await openServer(options);
    expect([lottery.state, later.lottery.acta, later.store.lottery]).toEqual([
      'closed',
      acta,
      store.lottery,
    ]);
    await command('agency', 'reopen', '2', '--reason', 'a page was missing');
    for (const each of [lottery, later.lottery]) {
      await until(() => each.state === 'open', 'the reopened lottery');
      expect([each.acta, each.withdrawnActas]).toEqual([undefined, [acta]]);
    }
    expect(await command('draw', 'status')).toContain(`acta     1 of ${acta.time}, withdrawn\n`);
  });

  test('is refused without effect, for an unknown lottery and after the draw', async () => {
    const { store, options } = await filled();
    const env = environmentOf(postgres, options);
    const refused = async (args: readonly string[], more = {}): Promise<string> => {
      const { code, stderr } = await loteria(await temporaryFolder(), [...args, '--reason', 'x'], {
        ...env,
        ...more,
      });
      expect(code).toBe(1);
      return stderr;
    };
    expect(await refused(['agency', 'void', '7'])).toContain('agency 7 has sent nothing');
    expect(await refused(['agency', 'void', '2', '--upload', 'x'])).toContain('it has two');
    expect(await refused(['agency', 'reopen', '1'])).toContain(
      'agency 1 has not finished, and no upload of it is void',
    );
    expect(await refused(['agencies', 'set', '1-2'])).toContain('the agencies are 1-2 already');
    expect(await refused(['agency', 'void', '2'], { STORE_LOTTERY: 'OTHER' })).toContain(
      'is not in the database',
    );
    await store.note({ kind: 'finished', agency: 1, upload: 'one' });
    await sealDraw(store, await holdDraw(store.bets(), hasWon));
    expect(await refused(['agency', 'void', '2'])).toContain('the draw has been held');
  });
});
