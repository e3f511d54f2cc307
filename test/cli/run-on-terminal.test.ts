import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp-folder.ts';
import { needScript, Terminal } from '../support/terminal.ts';

async function start(columns: number, rows: number, args: string[], env = {}): Promise<Terminal> {
  const cwd = await temporaryFolder();
  return Terminal.start(['run', ...args], { cwd, columns, rows, env: { TMPDIR: cwd, ...env } });
}

const DONE = 'every agency was told its winners';

test('loteria run shows a bar per agency, the address of the page and the table before Ctrl-C', async context => {
  needScript(context);
  const terminal = await start(80, 24, ['--page', '--bets', '20000']);
  await terminal.shows(/^the page http.* stays until Ctrl-C$/);
  const { lines } = terminal;
  const url = /^the page (\S+)/.exec(lines.at(-2)!)![1]!;
  expect(lines.slice(0, 3)).toEqual([
    "bets: made up, seed 7574 (the course's data: --data, or .data/dataset.zip)",
    '5 agencies, 20,000 bets',
    `the page: ${url}`,
  ]);
  const names = lines.slice(3, 8).map(line => /^(agency \d) █{40} 100% /.exec(line)?.[1]);
  expect(names).toEqual(['agency 1', 'agency 2', 'agency 3', 'agency 4', 'agency 5']);
  expect(lines.slice(8, 10)).toEqual(['', 'agency   bets  winners  documents']);
  expect(lines.at(-4)).toBe(DONE);
  terminal.type('\u0003');
  expect(await terminal.exited).toBe(0);
});

test('loteria run shows one bar for more agencies than the terminal has lines', async context => {
  needScript(context);
  const terminal = await start(80, 12, ['--agencies', '9', '--bets', '9000']);
  expect(await terminal.exited).toBe(0);
  const [, counts, bar, ...rest] = terminal.lines;
  expect(counts).toBe('9 agencies, 9,000 bets');
  expect(bar).toBe(`all agencies ${'█'.repeat(40)} 100%  9,000 of 9,000`);
  expect(rest[0]).toBe('');
  expect(rest.at(-2)).toBe(DONE);
});

test.for([80, 40])(
  'loteria run breaks no line inside a word on %i columns, and is ASCII without UTF-8',
  async (columns, context) => {
    needScript(context);
    const options = ['--agencies', '2', '--bets', '40', '--winners', '13'];
    const terminal = await start(columns, 24, options, { LANG: 'C' });
    expect(await terminal.exited).toBe(0);
    expect(terminal.wrappedLines).toEqual([]);
    const text = terminal.lines.join('\n');
    expect(text).toMatch(/^[\n -~]+$/);
    expect(text).toMatch(/^agency 1 #+ 100% /m);
    expect(text).toMatch(/\d\s+and 1\s+more\n/);
  },
);

test('Ctrl-C in a terminal ends loteria run and leaves no setting of the terminal changed', async context => {
  needScript(context);
  const terminal = await start(80, 24, ['--bets', '3000000']);
  await terminal.shows(/^bets made .*% /);
  terminal.type('\u0003');
  expect(await terminal.exited).toBe(130);
  expect(terminal.lines.at(-2)).toMatch(/stopped$/);
  // No private mode is set, because a second Ctrl-C would not reset it.
  expect(terminal.output).not.toContain('\u001b[?');
});
