import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PROGRAM } from '../support/built-program.ts';
import { bet, conn, END, frame, GWIN, nbet, NOK, OK, row, rwin } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { Program, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import * as log from './log-lines.ts';

/** A log line in the assignment's format; the level is padded to 8. */
const LINE =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:DEBUG {3}|INFO {4}|WARNING |ERROR {3}|CRITICAL) action: [a-z_]+ \| result: (?:success|fail|in_progress)(?<details>(?: \| [a-z_0-9]+: [^|]+)*)$/;

/** Details that may contain a colon: addresses and messages. */
const MAY_HOLD_COLONS = new Set(['ip', 'address', 'msg']);

function expectRegular(text: string): void {
  expect(text).toMatch(LINE);
  // No line break of any kind, and no control character.
  expect(text).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  for (const detail of LINE.exec(text)!.groups!['details']!.split(' | ').slice(1)) {
    const [key, ...rest] = detail.split(': ');
    if (!MAY_HOLD_COLONS.has(key!)) expect(rest.join(': ')).not.toContain(':');
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Opens a connection, exchanges messages, possibly waits for a line, and closes. */
async function converse(
  server: Program,
  port: number,
  says: readonly Uint8Array[],
  answers: string,
  wait: () => Promise<unknown> = async () => {},
): Promise<void> {
  const closedBefore = server.lines.filter(({ text }) => text.includes('close_socket')).length;
  const peer = await Peer.connect(port);
  peer.send(Buffer.concat(says));
  expect(await peer.receive(answers.length / 2)).toBe(answers);
  await wait();
  peer.end();
  expect(await peer.rest()).toBe('');
  await server.line(
    () => server.lines.filter(({ text }) => text.includes('close_socket')).length > closedBefore,
    'the line of the closed socket',
  );
}

/** All log lines of a lottery of two agencies, one connection at a time. */
async function holdLottery(server: Program, port: number): Promise<void> {
  await converse(server, port, [conn(1), frame('BET', bet('030904465', '07574').join('|'))], OK);
  await converse(server, port, [conn(1), nbet(bet(11), bet(12), bet(13))], OK);
  await converse(server, port, [conn(1), nbet(bet(14), bet('x'))], NOK);
  await converse(server, port, [conn(2), frame('BET', 'x')], NOK);
  await converse(server, port, [conn(3)], NOK);
  await converse(server, port, [Buffer.from('GET / HTTP/1.1\r\n\r\n')], NOK);
  await converse(server, port, [frame('CONN', 'a|b: c\n')], NOK);
  await converse(server, port, [nbet(bet(1))], NOK);
  await converse(server, port, [conn(2), GWIN, END, END], '4e454e44' + OK + OK);
  await converse(server, port, [conn(2), nbet(bet(1))], NOK);
  const isDrawn = (): Promise<unknown> =>
    server.line(({ text }) => /sha256.*winners|winners.*sha256/.test(text), 'the draw');
  await converse(server, port, [conn(1), END], OK, isDrawn);
  await converse(server, port, [conn(1), GWIN], rwin('030904465'));
  const truncated = await Peer.connect(port);
  truncated.send(conn(1).subarray(0, 7));
  truncated.end();
  await truncated.rest();
  await server.line(({ text }) => text.includes('truncated'), 'the line of the truncated message');
  server.kill('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
}

/** The stored rows. */
const BETS_CSV = row(1, '030904465', 7574) + row(1, 11) + row(1, 12) + row(1, 13);

/** Agency 1 has sent bets and disconnects before it finishes. */
const LEFT_OPEN =
  'WARNING  action: close_socket | result: success | ip: 127.0.0.1 | agency: 1 | all_sent: no';

const refused = (agency: number | undefined, code: string, detail: string): string =>
  `ERROR    action: refuse | result: fail | ip: 127.0.0.1 | port: N | dialect: tp0${agency ? ` | agency: ${agency}` : ''} | code: ${code} | detail: ${detail}`;

test('a whole lottery at DEBUG logs exactly these lines', async () => {
  const env = { NUMBER_AGENCIES: '2', SERVER_LISTEN_BACKLOG: '5' };
  const { server, port } = await startServer(await temporaryFolder(), env);
  await holdLottery(server, port);
  const visit = (...lines: string[]): string[] => [log.ACCEPTED, log.ACCEPTING, ...lines];
  expect(server.lines.map(({ text }) => log.fixed(text))).toEqual([
    log.configured(5),
    log.opened('bets.csv', 2),
    log.LISTENING,
    log.ACCEPTING,
    ...visit(
      log.identified(1),
      'INFO     action: apuesta_almacenada | result: success | dni: 030904465 | numero: 7574',
      log.closed(1),
    ),
    ...visit(log.identified(1), log.stored(3), LEFT_OPEN),
    ...visit(
      log.identified(1),
      'ERROR    action: apuesta_recibida | result: fail | cantidad: 2',
      refused(1, 'invalid-bet', 'bet 1, document, not-digits'),
      LEFT_OPEN,
    ),
    ...visit(
      log.identified(2),
      'ERROR    action: apuesta_almacenada | result: fail',
      refused(2, 'invalid-bet', 'bet 0, batch, too-few-fields'),
      log.closed(2),
    ),
    ...visit(
      refused(undefined, 'unauthorized', 'agency 3 is not one of the expected agencies'),
      log.closed(),
    ),
    ...visit(refused(undefined, 'unknown-message', 'type 0x47455420'), log.closed()),
    ...visit(
      refused(undefined, 'malformed', 'CONN without an agency id from 1 to 65535'),
      log.closed(),
    ),
    ...visit(
      refused(undefined, 'not-identified', 'the first message must say which agency speaks'),
      log.closed(),
    ),
    ...visit(
      log.identified(2),
      'INFO     action: agency_finished | result: success | agency: 2 | missing: 1 | waiting_for: 1',
      log.closed(2),
    ),
    ...visit(
      log.identified(2),
      'ERROR    action: apuesta_recibida | result: fail | cantidad: 1',
      refused(
        2,
        'agency-finished',
        'the agency has finished, its bets are closed; until the draw \'loteria agency reopen 2 --reason "…"\' lets it go on',
      ),
      log.closed(2),
    ),
    ...visit(log.identified(1), ...log.drawn(4, sha256(BETS_CSV)), log.closed(1)),
    ...visit(log.identified(1), log.closed(1)),
    ...visit(
      'WARNING  action: cut_connection | result: fail | ip: 127.0.0.1 | port: N | dialect: tp0 | reason: truncated',
      log.closed(),
    ),
    ...log.stopped('bets.csv', 'bets.journal'),
  ]);
  for (const { text } of server.lines) expectRegular(text);
  expect(server.stderr).toBe('');
});

test('the configuration is logged as given, at DEBUG only', async () => {
  const env = { SERVER_LISTEN_BACKLOG: '17', NUMBER_AGENCIES: '2' };
  for (const [level, expected] of [
    ['DEBUG', 1],
    ['debug', 1],
    ['INFO', 0],
    ['NOTICE', 0],
  ] as const) {
    const { server, port } = await startServer(await temporaryFolder(), {
      ...env,
      LOGGING_LEVEL: level,
    });
    server.kill('SIGTERM');
    await server.exited;
    const lines = server.linesOf('config');
    expect(lines).toHaveLength(expected);
    if (lines[0] !== undefined) {
      expect(lines[0].details).toEqual({ port: '0', listen_backlog: '17', logging_level: level });
    }
    expect(server.linesOf('listen')[0]!.details['port']).toBe(String(port));
    for (const { text } of server.lines) expectRegular(text);
  }
});

test('LOG_FORMAT=json writes one JSON object per line, with the same facts', async () => {
  const env = { NUMBER_AGENCIES: '2' };
  const { server: text, port } = await startServer(await temporaryFolder(), env);
  await holdLottery(text, port);

  const json = Program.start(['server'], {
    cwd: await temporaryFolder(),
    env: {
      SERVER_PORT: '0',
      SERVER_HOST: '127.0.0.1',
      LOGGING_LEVEL: 'DEBUG',
      LOG_FORMAT: 'json',
      ...env,
    },
  });
  const listening = await json.line(
    line => line.text.includes('"listen"'),
    'the line of listening',
  );
  const startedAt = Date.now() - 60_000;
  await holdLottery(json, (JSON.parse(listening.text) as { port: number }).port);

  const objects = json.lines.map(line => JSON.parse(line.text) as Record<string, string | number>);
  for (const { time } of objects) {
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(String(time))).toBeGreaterThan(startedAt);
    expect(Date.parse(String(time))).toBeLessThan(Date.now() + 60_000);
  }
  const asLine = (object: Record<string, string | number>): string => {
    const { level, action, result, ...details } = object;
    delete details['time'];
    return [
      `${'.'.repeat(20)}${String(level).padEnd(8)} action: ${action}`,
      `result: ${result}`,
      ...Object.entries(details).map(([key, value]) => `${key}: ${value}`),
    ].join(' | ');
  };
  expect(objects.map(object => log.fixed(asLine(object)))).toEqual(
    text.lines.map(line => log.fixed(line.text)),
  );
  // Numbers are JSON numbers.
  const recibida = objects.find(({ action }) => action === 'apuesta_recibida');
  expect(recibida).toEqual({
    time: expect.any(String),
    level: 'INFO',
    action: 'apuesta_recibida',
    result: 'success',
    cantidad: 3,
  });
});

test('no message can forge a line of the log', async () => {
  const forged = '2024-08-21 22:11:15 INFO     action: sorteo | result: success';
  const messages = [
    'a | result: fail | action: sorteo | result: success',
    '|||',
    `a\r${forged}`,
    // Unicode line and paragraph separators.
    `a\u2028${forged}`,
    `a\u2029${forged}`,
    `a\u0085${forged}`,
    `a\v${forged}`,
    `a\f${forged}`,
    // Terminal control sequences.
    `a\u001b[2K\u001b[1G${forged}`,
    `a\u009b2K${forged}`,
    `a${'\b'.repeat(100)}${forged}`,
    `a\0${forged}`,
  ];
  const { server, port } = await startServer(await temporaryFolder(), { SERVER_MODE: 'echo' });
  for (const text of messages) {
    const before = server.lines.length;
    const line = Buffer.from(`${text}\n`);
    await converse(server, port, [line], line.toString('hex'));
    const lines = server.lines
      .slice(before)
      .filter(({ action }) => action !== 'accept_connections');
    expect(lines.map(({ action }) => action)).toEqual(['receive_message', 'close_socket']);
    expect(Object.keys(lines[0]!.details)).toEqual(['ip', 'msg']);
    for (const each of lines) expectRegular(each.text);
  }
});

test('a server continues after its log pipe is closed, and exits with code 0', async () => {
  const folder = await temporaryFolder();
  const child = spawn(process.execPath, [PROGRAM, 'server'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], SERVER_PORT: '0', SERVER_HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close') as Promise<[number | null, string | null]>;
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  let output = '';
  let port: string | undefined;
  for await (const chunk of child.stdout) {
    output += String(chunk);
    port = /action: listen .*port: (\d+)/.exec(output)?.[1];
    if (port !== undefined) break;
  }
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', chunk => (stderr += String(chunk)));
  const peer = await Peer.connect(Number(port));
  peer.send(conn(1));
  for (let index = 0; index < 200; index += 1) {
    peer.send(nbet(bet(index)));
    expect(await peer.receive(4)).toBe(OK);
  }
  peer.end();
  expect(await peer.rest()).toBe('');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect(stderr).toBe('');
  const rows = Array.from({ length: 200 }, (_, index) => row(1, index)).join('');
  expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(rows);
});
