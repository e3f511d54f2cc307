import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

test('two agencies upload, the draw is held once, each is told its own winners', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'a.csv'), 'Ana,Pérez,11,1990-01-02,7574\r\nJuan,Gil,12,1991-01-02,1\r\n');
  await writeFile(join(folder, 'b.csv'), 'Eva,Paz,21,1992-01-02,2\r\n');
  const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '2' });
  const clients = ['a', 'b'].map((name, index) =>
    startClient(folder, index + 1, port, { CLI_FILE_NAME: `${name}.csv` }),
  );
  for (const client of clients) expect(await client.exited).toEqual({ code: 0, signal: null });
  const counts = clients.map(
    client => client.linesOf('consulta_ganadores', 'success')[0]?.details['cant_ganadores'],
  );
  expect(counts).toEqual(['1', '0']);
  server.kill('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.linesOf('sorteo')).toHaveLength(1);
  const rows = (await readFile(join(folder, 'bets.csv'), 'utf8')).split('\r\n').toSorted();
  expect(rows).toEqual([
    '',
    '1,Ana,Pérez,11,1990-01-02,7574',
    '1,Juan,Gil,12,1991-01-02,1',
    '2,Eva,Paz,21,1992-01-02,2',
  ]);
});
