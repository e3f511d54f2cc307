import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

test('a client with several addresses names the address in its connection lines', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'agency.csv'), 'Ana,Paz,11,1990-01-02,7574\n');
  const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
  const away = await freePort();
  const given = `127.0.0.1:${away}, localhost:${port}`;
  const client = startClient(folder, 1, port, { CLI_SERVER_ADDRESS: given });
  expect(await client.exited).toEqual({ code: 0, signal: null });
  const said = client.lines.map(({ text }) => text.slice(20));
  expect(said[0]).toBe(
    `INFO     action: config | result: success | client_id: 1 | server_address: ${given} | loop_amount: 5 | loop_period: 20ms | log_level: DEBUG`,
  );
  expect(said.filter(line => / (connect|close_socket) /.test(line))).toEqual([
    `WARNING  action: connect | result: in_progress | client_id: 1 | attempt: 1 | error: no server listens there (ECONNREFUSED) | next_try_ms: 0 | address: 127.0.0.1:${away}`,
    `INFO     action: connect | result: success | client_id: 1 | address: localhost:${port}`,
    `INFO     action: close_socket | result: success | client_id: 1 | address: localhost:${port}`,
  ]);
});

test('an agency starts with the address that its id selects', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'agency.csv'), 'Ana,Paz,11,1990-01-02,7574\n');
  const { port } = await startServer(folder, { AGENCIES: '2' });
  const client = startClient(folder, 2, port, {
    CLI_SERVER_ADDRESS: `127.0.0.1:${await freePort()},127.0.0.1:${port}`,
  });
  expect(await client.exited).toEqual({ code: 0, signal: null });
  expect(client.linesOf('connect').map(({ details }) => details['address'])).toEqual([
    `127.0.0.1:${port}`,
  ]);
});
