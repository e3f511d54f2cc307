import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bet, conn, END, GWIN, nbet, OK, rwin } from '../support/base-frames.ts';
import { until } from '../support/until.ts';
import { Peer } from '../support/peer.ts';
import { startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

function limitOpenFiles(pid: number, limit: number): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${limit}:`]);
}

/** The lowest free descriptor of a process. */
function nextDescriptor(pid: number): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let next = 0;
  while (open.has(next)) next += 1;
  return next;
}

test('without free file descriptors a server refuses connections, draws and defers actas', async ({
  skip,
}) => {
  skip(spawnSync('prlimit', ['--version']).status !== 0, 'there is no prlimit');
  const folder = await temporaryFolder();
  const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
  const peer = await Peer.connect(port);
  peer.send(Buffer.concat([conn(1), nbet(bet(10, 7574), bet(11))]));
  expect(await peer.receive(4)).toBe(OK);

  limitOpenFiles(server.pid, nextDescriptor(server.pid));
  const other = await Peer.connect(port);
  await until(() => other.ended, 'a connection being turned away');
  peer.send(END);
  expect(await peer.receive(4)).toBe(OK);
  // The bets are read over an open descriptor; the acta needs a new one.
  await server.logged('sorteo', 'success');
  const delayed = await server.logged('watch_files', 'in_progress');
  expect(delayed.details).toMatchObject({
    file: 'acta.txt',
    warning: expect.stringMatching(/^EMFILE/) as string,
  });
  peer.send(GWIN);
  expect(await peer.receive(rwin(10).length / 2)).toBe(rwin(10));

  limitOpenFiles(server.pid, 1024);
  for (const document of ['acta.txt', 'acta-sorteo.txt'])
    await expect.poll(() => readdirSync(folder)).toContain(document);
  const late = await Peer.connect(port);
  late.send(Buffer.concat([conn(1), GWIN]));
  expect(await late.receive(rwin(10).length / 2)).toBe(rwin(10));
  server.kill('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
});
