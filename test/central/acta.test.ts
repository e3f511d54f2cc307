import { generateKeyPairSync, sign } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ActaFolder } from '../../src/audit/acta-folder.ts';
import { readActaKey, SignatureFile } from '../../src/audit/signature.ts';
import type { Actas } from '../../src/central/draw-holder.ts';
import { closeActa, readActa, sha256Of } from '../../src/lottery/acta.ts';
import type { Fact, Intervention } from '../../src/lottery/fact.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import {
  actaAfter,
  bet,
  END,
  GWIN,
  heloBets,
  nbet,
  NEND,
  OK,
  rwin,
  sbet,
} from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const WINNING = 7574;
const HOUR_MS = 3_600_000;
const INTERVENTION: Intervention = {
  reason: 'wrong file',
  by: 'ana@x',
  time: '2026-01-02T03:04:05.000Z',
};

/** The documents in a folder, and the state of the draw. */
async function actasIn(folder: string, waits: Pick<Actas, 'holdMs' | 'signature'>): Promise<Actas> {
  const documents = new ActaFolder(folder, 'of the test', WINNING);
  return { ...waits, write: lottery => documents.write(lottery) };
}

/** A key pair, with the public key in a file. */
function makeKey(folder: string, name = 'auditor.pub') {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const path = join(folder, name);
  writeFileSync(path, publicKey.export({ type: 'spki', format: 'pem' }));
  const signOf = (text: string): Buffer => sign(null, Buffer.from(text), privateKey);
  return { path, signOf };
}

const actaIn = (folder: string): string => readFileSync(join(folder, 'acta.txt'), 'utf8');

/** A central whose only agency sends a winning bet and finishes. */
async function closedCentral(waits: Pick<Actas, 'holdMs' | 'signature'>, folder: string) {
  const store = new GatedStore();
  const central = await TestCentral.open({
    agencies: [1],
    store,
    actas: await actasIn(folder, waits),
  });
  const peer = await central.connect();
  peer.send(heloBets(1));
  await peer.frame();
  peer.send(Buffer.concat([sbet(1, bet(1, WINNING)), END]));
  expect(await peer.receive(8)).toBe(OK + OK);
  await central.seen('closed');
  return { store, central, peer };
}

describe('a closed lottery', () => {
  test('writes an acta before the draw, and both documents to the folder', async () => {
    const folder = await temporaryFolder();
    const { central } = await closedCentral({ holdMs: 0 }, folder);
    await central.seen('draw-held');
    await central.central.close();
    const { acta, draw } = central.lottery;
    expect(readActa(actaIn(folder))).toMatchObject({ number: 1, bets: 1, lottery: 'of the test' });
    expect(actaIn(folder)).toBe(acta!.text);
    expect(draw!.bets).toBe(1);
    expect(readFileSync(join(folder, 'acta-sorteo.txt'), 'utf8')).toContain(
      `acta-sha256: ${sha256Of(acta!.text)}\n`,
    );
  });

  test('sends a waiting agency the acta, and then the winners', async () => {
    const folder = await temporaryFolder();
    const { path, signOf } = makeKey(folder);
    const signature = new SignatureFile(join(folder, 'acta.sig'), readActaKey(path));
    const { central, peer } = await closedCentral({ holdMs: 0, signature }, folder);
    peer.send(actaAfter(0));
    expect(await peer.frame()).toBe(`ACTA 1|1|${central.lottery.acta!.text}`);
    peer.send(actaAfter(1));
    await until(() => existsSync(join(folder, 'acta.txt')), 'the acta in its folder');
    writeFileSync(join(folder, 'acta.sig'), signOf(actaIn(folder)));
    expect(await peer.receive(rwin(1).length / 2)).toBe(rwin(1));
    await central.central.close();
  });

  test('is drawn after CLOSE_HOLD, counted from the close', async () => {
    const folder = await temporaryFolder();
    const { central } = await closedCentral({ holdMs: HOUR_MS }, folder);
    const { wait } = (await central.seen('draw-waits'))[0]!;
    expect(Date.parse((wait as { until: string }).until)).toBe(
      Date.parse(central.lottery.acta!.time) + HOUR_MS,
    );
    expect(central.central.status().acta?.waitsFor).toEqual(wait);
    await central.central.close();
  });

  test('waits for a signature of this acta by this key, and reports another one once', async () => {
    const folder = await temporaryFolder();
    const { path, signOf } = makeKey(folder);
    const other = makeKey(folder, 'other.pub');
    const file = join(folder, 'acta.sig');
    const key = readActaKey(path);
    const signature = new SignatureFile(file, key);
    const { central } = await closedCentral({ holdMs: 0, signature }, folder);
    await until(() => existsSync(join(folder, 'acta.txt')), 'the acta in its folder');
    const { text } = central.lottery.acta!;
    writeFileSync(file, other.signOf(text));
    const refused = (await central.seen('signature-refused'))[0]!;
    expect(refused.error).toBe(
      `it is no signature of the acta with SHA-256 ${sha256Of(text)} by the key ${key.fingerprint}`,
    );
    writeFileSync(file, signOf(`${text} `));
    await new Promise(resolve => setTimeout(resolve, 600));
    expect(central.of('signature-refused')).toHaveLength(1);
    expect(central.lottery.state).toBe('closed');
    writeFileSync(file, signOf(text));
    await central.seen('draw-held');
    await central.central.close();
  });

  test('gets a new acta when reopened, and refuses a signature of the first', async () => {
    const folder = await temporaryFolder();
    const { path, signOf } = makeKey(folder);
    const file = join(folder, 'acta.sig');
    const signature = new SignatureFile(file, readActaKey(path));
    const { store, central } = await closedCentral({ holdMs: 0, signature }, folder);
    const first = central.lottery.acta!.text;
    store.tellOfAnother({ kind: 'reopened', agency: 1, intervention: INTERVENTION });
    writeFileSync(file, signOf(first));
    expect([central.lottery.state, central.lottery.acta]).toEqual(['open', undefined]);
    const again = await central.connect();
    again.send(heloBets(1, 'second'));
    await again.frame();
    again.send(Buffer.concat([sbet(1, bet(2, WINNING)), END]));
    expect(await again.receive(8)).toBe(OK + OK);
    await central.seen('closed', 2);
    const refused = (await central.seen('signature-refused'))[0]!;
    expect(refused.error).toBe('it is one of acta 1, which was withdrawn; acta 2 is to be signed');
    expect(readFileSync(join(folder, 'acta-1.txt'), 'utf8')).toBe(first);
    expect(readActa(actaIn(folder))).toMatchObject({ number: 2, bets: 2 });
    expect(central.central.status().withdrawnActas).toEqual([1]);
    writeFileSync(file, signOf(actaIn(folder)));
    await central.seen('draw-held');
    await central.central.close();
  });

  test('reports an agency that disputes the acta', async () => {
    const folder = await temporaryFolder();
    const { central, peer } = await closedCentral({ holdMs: HOUR_MS }, folder);
    const other = '0'.repeat(64);
    const text = `1|2|${other}`;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    peer.send(Buffer.concat([Buffer.from('DIFF'), length, Buffer.from(text)]));
    expect(await peer.receive(4)).toBe(OK);
    const { agencies } = readActa(central.lottery.acta!.text)!;
    const detail = `it has sent 2 bets with SHA-256 ${other}, the acta says 1 with ${agencies.get(1)!.sha256}`;
    expect(central.of('acta-disputed')).toEqual([
      { event: 'acta-disputed', agency: 1, acta: 1, detail },
    ]);
    expect(central.central.status().disputes).toEqual([{ agency: 1, detail }]);
    await central.central.close();
  });
});

describe('a draw that waits for a signature', () => {
  async function waiting() {
    const folder = await temporaryFolder();
    const { path, signOf } = makeKey(folder);
    const file = join(folder, 'acta.sig');
    const { central } = await closedCentral(
      { holdMs: 0, signature: new SignatureFile(file, readActaKey(path)) },
      folder,
    );
    await until(() => existsSync(join(folder, 'acta.txt')), 'the acta in its folder');
    const draw = async (): Promise<void> => {
      rmSync(file, { force: true, recursive: true });
      writeFileSync(file, signOf(central.lottery.acta!.text));
      await central.seen('draw-held');
      await central.central.close();
    };
    return { folder, file, central, draw };
  }

  test.each<[string, (file: string) => void, string]>([
    ['a named pipe', file => void execFileSync('mkfifo', [file]), 'it is no regular file'],
    ['a directory', file => mkdirSync(file), 'it is no regular file'],
    [
      'a file of a gigabyte',
      file => {
        writeFileSync(file, '');
        truncateSync(file, 1e9);
      },
      'it has 1000000000 bytes, an Ed25519 signature has 64',
    ],
  ])(
    'reports %s in place of the signature once, and accepts a later signature',
    async (_, make, error) => {
      const { file, central, draw } = await waiting();
      make(file);
      expect((await central.seen('signature-refused'))[0]!.error).toBe(error);
      await draw();
      expect(central.of('signature-refused')).toHaveLength(1);
    },
  );

  test.each<[string, (path: string) => void]>([
    ['removed', path => rmSync(path)],
    ['changed', path => writeFileSync(path, 'another acta')],
    ['left unfinished by a crash', path => renameSync(path, `${path}.new`)],
  ])('rewrites an acta that was %s', async (_, spoil) => {
    const { folder, central, draw } = await waiting();
    await central.seen('draw-waits');
    spoil(join(folder, 'acta.txt'));
    const isBack = (): boolean =>
      existsSync(join(folder, 'acta.txt')) && actaIn(folder) === central.lottery.acta!.text;
    await until(isBack, 'the acta of the log');
    expect(existsSync(join(folder, 'acta.txt.new'))).toBe(false);
    await draw();
  });

  test('reports a document that cannot be written, and writes it after a restart', async () => {
    const { folder, central, draw } = await waiting();
    mkdirSync(join(folder, 'acta-sorteo.txt', 'in the way'), { recursive: true });
    await draw();
    expect(await central.seen('store-warning')).toMatchObject([{ file: 'acta-sorteo.txt' }]);
    rmSync(join(folder, 'acta-sorteo.txt'), { recursive: true });
    const again = await TestCentral.open({
      lottery: central.lottery,
      store: new GatedStore(),
      actas: await actasIn(folder, { holdMs: 0 }),
    });
    await until(() => existsSync(join(folder, 'acta-sorteo.txt')), 'the acta de sorteo');
    await again.central.close();
  });
});

test('a private key is refused in place of a public key', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'auditor.key');
  writeFileSync(
    path,
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
  expect(() => readActaKey(path)).toThrow(
    /auditor\.key is a private key, which never leaves the auditor/,
  );
});

test.each(['\u2028', '\u2029', '\u0085'])('an acta with %j in a reason is readable', separator => {
  const intervention = { ...INTERVENTION, reason: `a${separator}b` };
  const byHand = [{ kind: 'voided', agency: 1, upload: undefined, bets: 1, intervention } as const];
  const digest = { bytes: 0, sha256: '0'.repeat(64), agencies: new Map() };
  const parts = { lottery: 'x', number: 1, time: INTERVENTION.time, digest, bets: [], byHand };
  expect(readActa(closeActa(parts).text)).toMatchObject({ number: 1 });
});

describe('a query for the winners', () => {
  test('of a finished agency waits for the draw', async () => {
    const central = await TestCentral.open({ limits: { questionWaitMs: 60_000 } });
    const [one, two] = [await central.agency(1), await central.agency(2)];
    one.send(Buffer.concat([nbet(bet(1, WINNING)), END, GWIN]));
    expect(await one.receive(8)).toBe(OK + OK);
    two.send(Buffer.concat([GWIN, END, GWIN]));
    expect(await two.receive(8)).toBe(NEND + OK);
    expect(await one.receive(rwin(1).length / 2)).toBe(rwin(1));
    expect(await two.receive(rwin().length / 2)).toBe(rwin());
  });

  test('waits a bounded time', async () => {
    const central = await TestCentral.open({ limits: { questionWaitMs: 50 } });
    const peer = await central.agency(1);
    peer.send(Buffer.concat([END, GWIN]));
    expect(await peer.receive(8)).toBe(OK + NEND);
  });

  test('does not wait beyond the limit of waiting connections', async () => {
    const central = await TestCentral.open({
      limits: { questionWaitMs: 60_000, questionsWaitingMax: 0 },
    });
    const peer = await central.agency(1);
    peer.send(Buffer.concat([END, GWIN]));
    expect(await peer.receive(8)).toBe(OK + NEND);
  });
});

describe('a restart between the close and the draw', () => {
  test('leads to one acta and one draw, with the same digests', async () => {
    const folder = await temporaryFolder();
    const start = async (holdMs: number) => {
      const lottery = new Lottery([1]);
      const facts: Fact[] = [];
      const onFact = (fact: Fact): void => {
        facts.push(fact);
        lottery.apply(fact);
      };
      const { store } = await CsvStore.open(folder, { agencies: '1', onFact });
      const central = await TestCentral.open({
        store,
        lottery,
        actas: await actasIn(folder, { holdMs }),
      });
      return { central, lottery, facts };
    };
    const first = await start(HOUR_MS);
    const peer = await first.central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1, WINNING), bet(2, 1)), END]));
    expect(await peer.receive(8)).toBe(OK + OK);
    await first.central.seen('closed');
    await first.central.stop();
    await first.central.central.close();
    writeFileSync(join(folder, 'acta.txt'), 'something else');
    const second = await start(1);
    await second.central.seen('draw-held');
    await second.central.stop();
    await second.central.central.close();
    expect(second.facts.filter(({ kind }) => kind === 'closed')).toHaveLength(1);
    expect(second.lottery.acta).toEqual(first.lottery.acta);
    expect(actaIn(folder)).toBe(first.lottery.acta!.text);
    expect(second.lottery.seal!.sha256).toBe(first.lottery.acta!.sha256);
  });
});
