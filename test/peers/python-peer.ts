import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/**
 * Clients and servers like those of other solutions: the Python programs of this folder, which
 * share no code with the product.
 */

const DIALECTS = ['base', 'push_codes', 'check_win', 'csv_frames', 'op_codes'] as const;

export type PeerDialect = (typeof DIALECTS)[number];

/** The final report of a client; `acknowledged` and `errors` count batches. */
export interface ClientReport {
  readonly agency: number;
  readonly batches: number;
  readonly bets: number;
  readonly acknowledged: number;
  readonly errors: number;
  readonly winners: readonly string[];
}

/** The final report of a server; `all_sent` counts each agency's ends of bets. */
export interface ServerReport {
  readonly done: true;
  readonly bets: number;
  readonly all_sent: Readonly<Record<string, number>>;
}

/** The exit of a peer; `report` is undefined if it printed none. */
export interface PeerEnd<Report> {
  readonly code: number | null;
  readonly stderr: string;
  readonly report: Report | undefined;
}

/** Runs a client. The end of the test kills it. */
export function runPeerClient(
  dialect: PeerDialect,
  agency: { port: number; id: number; file: string },
  ...options: readonly string[]
): Promise<PeerEnd<ClientReport>> {
  const { port, id, file } = agency;
  const process = start(dialect, [
    'client',
    '127.0.0.1',
    String(port),
    String(id),
    file,
    ...options,
  ]);
  return endOf<ClientReport>(process);
}

/**
 * Starts a server on a free loopback port and waits until it listens. The end of the test kills it.
 */
export async function startPeerServer(
  dialect: PeerDialect,
  lottery: { agencies: number; file: string },
  ...options: readonly string[]
): Promise<{ port: number; ended: Promise<PeerEnd<ServerReport>> }> {
  const process = start(dialect, [
    'server',
    '0',
    String(lottery.agencies),
    lottery.file,
    ...options,
  ]);
  const listening = new Promise<number>((resolve, reject) => {
    createInterface({ input: process.stdout! }).once('line', line =>
      resolve(JSON.parse(line).port),
    );
    process.once('close', code =>
      reject(new Error(`the peer ended with ${code} before it listened`)),
    );
  });
  const ended = endOf<ServerReport>(process);
  return { port: await listening, ended };
}

function start(dialect: PeerDialect, args: readonly string[]): ChildProcess {
  const program = join(import.meta.dirname, `${dialect}.py`);
  const peer = spawn('python3', ['-B', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(async () => {
    if (peer.exitCode !== null || peer.signalCode !== null) return;
    peer.kill('SIGKILL');
    await once(peer, 'close');
  });
  return peer;
}

/** The last line on standard output is the report. */
async function endOf<Report>(peer: ChildProcess): Promise<PeerEnd<Report>> {
  let stdout = '';
  let stderr = '';
  peer.stdout!.on('data', text => (stdout += String(text)));
  peer.stderr!.on('data', text => (stderr += String(text)));
  const [code] = (await once(peer, 'close')) as [number | null];
  const last = stdout.trimEnd().split('\n').at(-1)!;
  const report =
    last === '' || last.startsWith('{"port"') ? undefined : (JSON.parse(last) as Report);
  return { code, stderr, report };
}
