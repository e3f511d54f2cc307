import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, type TestContext, test } from 'vitest';
import { REFUSAL_CODES } from '../../src/wire/refusal.ts';
import { bet, conn, frame, heloBets, nbet, sbet } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ROOT, runTool } from './tool.ts';

const DISSECTOR = join(ROOT, 'docs/wireshark/loteria.lua');

const FIELDS = [
  'tcp.srcport',
  'tcp.stream',
  '_ws.col.Info',
  '_ws.expert.message',
  'loteria.bet.documento',
  'loteria.winner',
  'loteria.number',
  'loteria.index',
  'loteria.field',
  'loteria.reason',
];

type Side = 'agency' | 'central';
type Packet = Readonly<Record<string, string>>;

/** The loopback traffic, dissected by Wireshark. */
class Capture {
  readonly #port: number;
  /** The fields of each packet with a message; commas separate several values. */
  readonly #packets: readonly Packet[];

  private constructor(port: number, packets: readonly Packet[]) {
    this.#port = port;
    this.#packets = packets;
  }

  static async of(
    context: TestContext,
    port: number,
    traffic: () => Promise<void>,
  ): Promise<Capture> {
    for (const tool of ['dumpcap', 'tshark']) runTool(context, tool, ['--version']);
    const file = join(await temporaryFolder(), 'capture.pcapng');
    const dumpcap = spawn('dumpcap', ['-q', '-i', 'lo', '-f', `tcp port ${port}`, '-w', file]);
    onTestFinished(() => void dumpcap.kill('SIGKILL'));
    const closed = once(dumpcap, 'close');
    let output = '';
    const started = new Promise<void>(resolve => {
      dumpcap.stderr.on('data', (text: Buffer) => {
        output += String(text);
        if (output.includes('File: ')) resolve();
      });
    });
    await Promise.race([started, closed]);
    context.skip(dumpcap.exitCode !== null, `nothing can be captured here: ${output.trim()}`);
    await traffic();
    // The kernel delivers captured packets several times a second.
    await delay(1_000);
    dumpcap.kill('SIGINT');
    await closed;
    return new Capture(port, readCapture(context, port, file));
  }

  /** The values of a field, by default in all packets. Only those of one side have an order. */
  values(field: string, by?: Side): string[] {
    const packets = by === undefined ? this.#packets : this.#packetsOf(by);
    return packets.flatMap(packet => packet[field]!.split(',')).filter(value => value !== '');
  }

  /** The summaries of one side's messages, by connection. */
  said(by: Side): string[][] {
    const connections = Map.groupBy(this.#packetsOf(by), packet => packet['tcp.stream']);
    return [...connections.values()].map(packets =>
      packets.flatMap(packet =>
        packet['_ws.col.Info']!.replace(/[0-9a-f]{32}/, 'upload').split(', '),
      ),
    );
  }

  #packetsOf(by: Side): Packet[] {
    const port = String(this.#port);
    return this.#packets.filter(packet => (packet['tcp.srcport'] === port) === (by === 'central'));
  }
}

function readCapture(context: TestContext, port: number, file: string): Record<string, string>[] {
  const options = [
    '-X',
    `lua_script:${DISSECTOR}`,
    '-d',
    `tcp.port==${port},loteria`,
    '-Y',
    'loteria',
  ];
  const fields = ['-T', 'fields', ...FIELDS.flatMap(field => ['-e', field])];
  const { status, stdout, output } = runTool(context, 'tshark', [
    '-r',
    file,
    ...options,
    ...fields,
  ]);
  expect({ status, output }).toEqual({
    status: 0,
    output: expect.not.stringContaining('Lua Error'),
  });
  const lines = stdout.split('\n').slice(0, -1);
  return lines.map(line => {
    const values = line.split('\t');
    return Object.fromEntries(FIELDS.map((field, at) => [field, values[at]!]));
  });
}

describe('the Wireshark dissector', () => {
  test('shows a resumable and a base upload message by message', async context => {
    const folder = await temporaryFolder();
    const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '2' });
    const bets = [bet(11, 7574), bet(12), bet(13, 7574)];
    writeFileSync(
      join(folder, 'bets-of-each'),
      bets.map(fields => `${fields.join(',')}\r\n`).join(''),
    );
    const client = (id: number, protocol: string): Program =>
      startClient(folder, id, port, {
        CLI_PROTOCOL: protocol,
        CLI_FILE_NAME: 'bets-of-each',
        CLI_BATCH_MAXAMOUNT: '2',
      });
    const capture = await Capture.of(context, port, async () => {
      const first = client(1, 'resumable');
      await server.logged('agency_finished');
      const second = client(2, 'base');
      expect(await Promise.all([first.exited, second.exited])).toMatchObject([
        { code: 0 },
        { code: 0 },
      ]);
    });

    expect(capture.said('agency')).toEqual([
      ['HELO 1|upload|bets', 'SBET 1|2|…', 'SBET 3|1|…', 'DONE 2|3', 'END', 'ACTA 0', 'ACTA 1'],
      ['CONN 2', 'NBET 2|…', 'NBET 1|…', 'END', 'GWIN'],
    ]);
    expect(capture.said('central')).toEqual([
      ['WELC 1|64|8184|0', 'OK', 'OK', 'OK', 'OK', 'ACTA 1|1|…', 'RWIN 2|…'],
      ['OK', 'OK', 'OK', 'RWIN 2|…'],
    ]);
    expect(capture.values('loteria.bet.documento')).toEqual(['11', '12', '13', '11', '12', '13']);
    expect(capture.values('loteria.winner')).toEqual(['11', '13', '11', '13']);
    expect(capture.values('_ws.expert.message')).toEqual([]);
  });

  test('shows refusals with code, field and reason', async context => {
    const { port } = await startServer(await temporaryFolder(), { NUMBER_AGENCIES: '1' });
    const capture = await Capture.of(context, port, async () => {
      await exchange(port, conn(9));
      await exchange(port, heloBets(9));
      const wrong = ['Ana', 'Paz', '21', '1990-13-01', '1'];
      await exchange(port, heloBets(1), sbet(1, bet(11), wrong), sbet(7, bet(12)));
    });

    expect(capture.said('central')).toEqual([
      ['NOK'],
      ['FAIL unauthorized|1|…'],
      ['WELC 1|64|8184|0', 'FAIL invalid-bet|0|…', 'FAIL sequence-gap|1|…'],
    ]);
    expect(capture.values('loteria.number', 'central').at(-1)).toBe('1');
    expect(capture.values('loteria.index')).toEqual(['1']);
    expect(capture.values('loteria.field')).toEqual(['birthdate']);
    expect(capture.values('loteria.reason')).toEqual(['not-a-date']);
    expect(capture.values('_ws.expert.message')).toEqual([
      'Refused: the log of the central says why',
      'Refused: unauthorized',
      'Refused: invalid-bet',
      'Refused: sequence-gap',
    ]);
  });

  test('reports wrong counts and lengths, wherever the segments end', async context => {
    const { port } = await startServer(await temporaryFolder(), { NUMBER_AGENCIES: '1' });
    const fields = bet(11).join('|');
    const capture = await Capture.of(context, port, async () => {
      await exchange(port, conn(1), frame('NBET', `2|${fields}`));
      await exchange(port, conn(1), frame('NBET', `1|${fields}|more`));
      await exchange(port, Buffer.from('4e424554ffffffff31', 'hex'));
      await exchange(port, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
      await exchange(port, frame('CONN', ''));
      await exchange(
        port,
        ...Array.from(Buffer.concat([conn(1), nbet(bet(12), bet(13))]), byte => [byte]),
      );
    });

    expect(capture.said('agency')).toEqual([
      ['CONN 1', 'NBET 2|…'],
      ['CONN 1', 'NBET 1|…'],
      ['NBET of 4294967295 bytes; at most 8184 are taken'],
      ['unknown type'],
      ['CONN'],
      ['CONN 1', 'NBET 2|…'],
    ]);
    const experts = capture.values('_ws.expert.message');
    expect(experts.filter(text => !text.startsWith('Refused'))).toEqual([
      '2 bets announced; 5 fields found',
      '1 bets announced; 6 fields found',
      'NBET of 4294967295 bytes; at most 8184 are taken',
      'unknown type',
    ]);
  });

  test('knows every refusal code', () => {
    const [, table] = /local REFUSALS = \{\n(.*?)\n\}/s.exec(readFileSync(DISSECTOR, 'utf8'))!;
    expect([...table!.matchAll(/\["([a-z-]+)"\] = true/g)].map(([, code]) => code)).toEqual(
      REFUSAL_CODES,
    );
  });
});

/** Sends each piece as a segment, and waits for the last answer. */
async function exchange(
  port: number,
  ...pieces: readonly (Uint8Array | number[])[]
): Promise<void> {
  const peer = await Peer.connect(port);
  for (const piece of pieces) {
    peer.send(Uint8Array.from(piece));
    await delay(2);
  }
  peer.end();
  await peer.rest();
}
