import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loteria } from '../store/store-folder.ts';
import { bet, conn, nbet, OK } from '../support/base-frames.ts';
import { freePort } from '../support/free-port.ts';
import { Peer } from '../support/peer.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const RIGHT = 'Ana,Paz,1,1990-01-01,7574\nEva,Gil,2,1990-01-01,1\n';
const WRONG = 'Otro,Archivo,9,1990-01-01,7574\n'.repeat(3);

/** A lottery in a folder, with the actions of an operator and of agencies. */
class Lottery {
  readonly folder: string;
  readonly port: number;
  server!: Program;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
  }

  static async of(agencies: number): Promise<Lottery> {
    const lottery = new Lottery(await temporaryFolder(), await freePort());
    await lottery.start({ NUMBER_AGENCIES: String(agencies) });
    return lottery;
  }

  async start(env: Record<string, string>): Promise<void> {
    const own = { SERVER_PORT: String(this.port), DATA_DIR: this.folder };
    ({ server: this.server } = await startServer(this.folder, { ...own, ...env }));
  }

  async stop(): Promise<void> {
    this.server.kill('SIGTERM');
    expect(await this.server.exited).toEqual({ code: 0, signal: null });
  }

  async agency(id: number, text: string): Promise<Program> {
    const file = `file-${id}-${text.length}.csv`;
    await writeFile(join(this.folder, file), text);
    const more = { CLI_FILE_NAME: file, CLI_WINNERS_FILE: `winners-${id}.txt` };
    return startClient(this.folder, id, this.port, more);
  }

  /** Standard error of a refused command. */
  async refusal(...args: readonly string[]): Promise<string> {
    const { code, stderr } = await loteria(this.folder, args);
    expect(code).toBe(1);
    return stderr;
  }

  async command(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await loteria(this.folder, args);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }
}

const rowsOf = (agency: number, text: string): string =>
  text.replaceAll(/^(.+)\n/gm, (_, line: string) => `${agency},${line}\r\n`);

describe('an operator', () => {
  test('voids a wrong file; bets.csv, journal and winners match the right file', async () => {
    const lottery = await Lottery.of(3);
    const wrong = await lottery.agency(3, WRONG);
    await wrong.logged('consulta_ganadores', 'in_progress');
    const first = await lottery.agency(1, RIGHT);
    await first.logged('consulta_ganadores', 'in_progress');
    wrong.kill('SIGTERM');
    await wrong.exited;
    expect(
      (await loteria(lottery.folder, ['agency', 'void', '3', '--reason', 'wrong file'])).stderr,
    ).toContain('another process has');
    await lottery.stop();
    expect(await lottery.command('agency', 'void', '3', '--reason', 'wrong file')).toContain(
      'agency 3 voided, bets: 3',
    );
    for (const look of [
      ['journal', 'show'],
      ['draw', 'status'],
      ['agency', 'list'],
    ])
      expect(await lottery.command(...look)).toContain('wrong file');
    await lottery.start({ NUMBER_AGENCIES: '3' });
    const others = [await lottery.agency(3, RIGHT), await lottery.agency(2, RIGHT)];
    for (const client of [first, ...others])
      expect(await client.exited).toEqual({ code: 0, signal: null });
    // The last two clients sent concurrently.
    const rows = lottery
      .read('bets.csv')
      .split(/(?<=\n)/)
      .toSorted();
    expect(rows.join('')).toBe([1, 2, 3].map(agency => rowsOf(agency, RIGHT)).join(''));
    for (const agency of [1, 2, 3]) expect(lottery.read(`winners-${agency}.txt`)).toBe('1\n');
    expect(lottery.server.linesOf('draw', 'success')[0]!.details).toMatchObject({
      bets: '6',
      winners: '3',
    });
    expect(await lottery.command('journal', 'verify')).toContain('6 bets, 3 winners');
  });

  test('voids an upload whose client still runs, which is refused until a reopen', async () => {
    const lottery = await Lottery.of(2);
    const wrong = await lottery.agency(1, WRONG);
    await wrong.logged('consulta_ganadores', 'in_progress');
    await lottery.stop();
    await lottery.command('agency', 'void', '1', '--reason', 'wrong file');
    expect(await lottery.command('agency', 'list')).toMatch(
      /^ {5}1 {9}0 {2}open {6}\w{32} \(void, bets: 0\)$/m,
    );
    await lottery.start({ NUMBER_AGENCIES: '2' });
    expect((await lottery.server.logged('void_agency')).details).toMatchObject({
      agency: '1',
      bets: '3',
      reason: 'wrong file',
    });
    expect(await wrong.exited).toEqual({ code: 1, signal: null });
    expect(wrong.lines.at(-1)!.text).toMatch(
      /the central refused, upload-voided, upload \w+ was voided by an operator; .*loteria agency reopen 1 --reason "…"/,
    );
    await lottery.stop();
    expect(lottery.read('bets.csv')).toBe('');
    await lottery.command('agency', 'reopen', '1', '--reason', 'it was the right file');
    await lottery.start({ NUMBER_AGENCIES: '2' });
    const again = await lottery.agency(1, WRONG);
    await again.logged('consulta_ganadores', 'in_progress');
    await lottery.stop();
    expect(lottery.read('bets.csv')).toBe(rowsOf(1, WRONG));
  });

  test('voids the bets of a base client, after which the resumable one can upload', async () => {
    const lottery = await Lottery.of(2);
    const base = await Peer.connect(lottery.port);
    base.send(Buffer.concat([conn(1), nbet(bet(1, 7574))]));
    expect(await base.receive(4)).toBe(OK);
    base.end();
    const client = await lottery.agency(1, RIGHT);
    expect(await client.exited).toEqual({ code: 1, signal: null });
    expect(client.lines.at(-1)!.text).toContain(
      'the central refused, upload-open, 1 bets of the agency are stored without an upload',
    );
    await lottery.stop();
    expect(await lottery.command('agency', 'list')).toContain('no upload (open, bets: 1)');
    await lottery.command('agency', 'void', '1', '--reason', 'broke off');
    await lottery.start({ NUMBER_AGENCIES: '2' });
    await (await lottery.agency(1, RIGHT)).logged('consulta_ganadores', 'in_progress');
    await lottery.stop();
    expect(lottery.read('bets.csv')).toBe(rowsOf(1, RIGHT));
  });

  test('cannot drop an agency whose bets would take part in the draw', async () => {
    const lottery = await Lottery.of(3);
    await (await lottery.agency(3, RIGHT)).logged('consulta_ganadores', 'in_progress');
    await lottery.stop();
    const set = ['agencies', 'set', '1-2', '--reason', 'agency 3 has closed'];
    expect(await lottery.refusal(...set)).toBe(
      'loteria: nothing was done: agency 3 has 2 bets, which would take part in the draw while it is not expected; ' +
        'run \'loteria agency void 3 --reason "…"\' first\n',
    );
    await lottery.command('agency', 'void', '3', '--reason', 'agency 3 has closed');
    expect(await lottery.command(...set)).toContain('agencies set to 1-2');
  });

  test('sees an interrupted void reported until the next start completes it', async () => {
    const lottery = await Lottery.of(2);
    await (await lottery.agency(1, WRONG)).logged('consulta_ganadores', 'in_progress');
    await lottery.stop();
    const path = join(lottery.folder, 'bets.csv');
    const before = lottery.read('bets.csv');
    await lottery.command('agency', 'void', '1', '--reason', 'wrong file');
    await rename(path, `${path}.next`);
    await writeFile(path, before);
    for (const args of [
      ['journal', 'verify'],
      ['draw', 'status'],
      ['agency', 'list'],
      ['export', 'out.csv'],
    ]) {
      const refusal = await lottery.refusal(...args);
      expect(refusal).toContain('a void in . was interrupted after it took effect');
      expect(refusal).not.toContain('damaged at');
    }
    await lottery.start({ NUMBER_AGENCIES: '2' });
    expect(
      (await lottery.server.logged('watch_files', 'in_progress')).details['warning'],
    ).toContain('completes the void');
    expect(lottery.read('bets.csv')).toBe('');
  });

  test('gets an error and no file from commands in a folder without a lottery', async () => {
    const folder = await temporaryFolder();
    for (const args of [
      ['agency', 'void', '1', folder, '--reason', 'x'],
      ['agency', 'reopen', '1', folder, '--reason', 'x'],
      ['agencies', 'set', '1', folder, '--reason', 'x'],
      ['agency', 'list', folder],
      ['draw', 'status', folder],
      ['draw', 'new', folder],
      ['journal', 'verify', folder],
      ['journal', 'show', folder],
    ])
      expect(await loteria(folder, args)).toMatchObject({
        code: 1,
        stderr: `loteria: there is no lottery in ${folder}, it has no bets.journal; name the DATA_DIR of a server\n`,
      });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('cannot start a server with other agencies than the log has, exit code 2', async () => {
    const lottery = await Lottery.of(5);
    const client = await lottery.agency(1, RIGHT);
    await client.logged('consulta_ganadores', 'in_progress');
    lottery.server.kill('SIGKILL');
    await lottery.server.exited;
    for (const env of [{ NUMBER_AGENCIES: '1' }, { AGENCIES: '1,2' }, { NUMBER_AGENCIES: '6' }]) {
      const { code, stdout } = await loteria(lottery.folder, ['server'], {
        SERVER_PORT: '0',
        ...env,
      });
      expect(code).toBe(2);
      expect(stdout).toContain('this lottery is one of the agencies 1-5');
    }
    // The reading command's configuration does not matter.
    const status = await loteria(lottery.folder, ['draw', 'status', '.'], { NUMBER_AGENCIES: '1' });
    expect(status.stdout).toContain('open, waiting for 2, 3, 4, 5');
    await lottery.command('agencies', 'set', '1,3', '--reason', 'three agencies gave up');
    await lottery.start({ AGENCIES: '1,3' });
    const third = await lottery.agency(3, RIGHT);
    for (const program of [client, third])
      expect(await program.exited).toEqual({ code: 0, signal: null });
    expect(lottery.read('winners-3.txt')).toBe('1\n');
  });

  test('reopens an agency that finished too early, which then sends the rest', async () => {
    const lottery = await Lottery.of(2);
    const early = await lottery.agency(2, RIGHT);
    await early.logged('consulta_ganadores', 'in_progress');
    early.kill('SIGTERM');
    await early.exited;
    await lottery.stop();
    await lottery.command('agency', 'reopen', '2', '--reason', 'a page was missing');
    await lottery.start({ NUMBER_AGENCIES: '2' });
    const rest = await lottery.agency(2, 'Luz,Roa,5,1990-01-01,7574\n');
    const other = await lottery.agency(1, RIGHT);
    for (const client of [rest, other])
      expect(await client.exited).toEqual({ code: 0, signal: null });
    expect(lottery.read('winners-2.txt')).toBe('1\n5\n');
    expect(existsSync(join(lottery.folder, 'bets.csv.next'))).toBe(false);
    await lottery.stop();
    const { code, stderr } = await loteria(lottery.folder, [
      'agency',
      'reopen',
      '2',
      '--reason',
      'late',
    ]);
    expect([code, stderr]).toEqual([1, 'loteria: nothing was done: the draw has been held\n']);
  });
});
