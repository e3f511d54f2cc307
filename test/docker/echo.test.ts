import { beforeEach, describe, expect, test } from 'vitest';
import { docker, exitCode } from './engine.ts';
import { needEngine, Stack } from './stack.ts';

beforeEach(needEngine);

const messages = (client: number, amount: number): string[] =>
  Array.from({ length: amount }, (_, index) => `[CLIENT ${client}] Message N°${index + 1}`);

/** Lines of a client's configuration. */
const client = (amount: number, period: string, level: string, port = 12345): string[] => [
  `server:\n  address: "server:${port}"`,
  `loop:\n  amount: ${amount}\n  period: "${period}"`,
  `log:\n  level: "${level}"`,
];

const server = (backlog: number, level: string, port = 12345): string[] => [
  `SERVER_PORT = ${port}`,
  'SERVER_IP = server',
  `SERVER_LISTEN_BACKLOG = ${backlog}`,
  `LOGGING_LEVEL = ${level}`,
];

describe('exercise 1: the echo server and its clients', () => {
  test.each([1, 2, 5])(
    '%i client(s) exchange every message, and the server keeps running',
    async clients => {
      const clientConfig = client(3, '50ms', 'INFO');
      const stack = await Stack.create({ exercise: 'ej1', clients, clientConfig });
      await stack.up();
      for (let id = 1; id <= clients; id += 1) {
        const { lines, exited } = stack.follow(`client${id}`);
        expect(await exitCode(`client${id}`)).toBe(0);
        await exited;
        const received = lines.filter(({ action }) => action === 'receive_message');
        expect(received.map(({ result, details }) => [result, details['msg']])).toEqual(
          messages(id, 3).map(text => ['success', text]),
        );
        expect(lines.at(-1)!.text).toMatch(
          /action: loop_finished \| result: success \| client_id: \d$/,
        );
      }
      const echo = stack.follow('server');
      await echo.line(
        () => echo.linesOf('close_socket').length === 3 * clients,
        'line of every socket',
      );
      expect(
        echo
          .linesOf('receive_message', 'success')
          .map(({ details }) => details['msg'] ?? '')
          .toSorted(),
      ).toEqual(Array.from({ length: clients }, (_, index) => messages(index + 1, 3)).flat());
      expect(echo.transcript()).not.toContain('result: fail');
      expect(await docker('inspect', '--format', '{{.State.Running}}', 'server')).toBe('true\n');
    },
  );
});

describe('exercise 2: configuration outside of the images', () => {
  test('takes effect in the same images when config.yaml and config.ini change', async () => {
    const stack = await Stack.create({
      exercise: 'ej2',
      clients: 1,
      clientConfig: client(2, '100ms', 'DEBUG'),
      serverConfig: server(8, 'DEBUG'),
    });
    const runOnce = async () => {
      await stack.up();
      expect(await exitCode('client1')).toBe(0);
      const [agency, central] = [stack.follow('client1'), stack.follow('server')];
      await agency.exited;
      await central.logged('listen');
      const config = agency.linesOf('config')[0]!.details;
      const images = await docker('inspect', '--format', '{{.Image}}', 'server', 'client1');
      await stack.compose('down');
      await central.exited;
      return { agency, central, config, images };
    };

    const first = await runOnce();
    expect(first.config).toEqual({
      client_id: '1',
      server_address: 'server:12345',
      loop_amount: '2',
      loop_period: '100ms',
      log_level: 'DEBUG',
    });
    expect(first.agency.linesOf('receive_message', 'success')).toHaveLength(2);
    expect(first.central.linesOf('config').map(({ details }) => details)).toEqual([
      { port: '12345', listen_backlog: '8', logging_level: 'DEBUG' },
    ]);

    await stack.configureClients(client(1, '10ms', 'INFO', 23456));
    await stack.configureServer(server(16, 'INFO', 23456));
    const second = await runOnce();
    expect(second.config).toMatchObject({
      server_address: 'server:23456',
      loop_amount: '1',
      loop_period: '10ms',
      log_level: 'INFO',
    });
    expect(second.agency.linesOf('receive_message', 'success')).toHaveLength(1);
    expect(second.central.linesOf('listen')[0]!.details['port']).toBe('23456');
    expect(second.central.transcript()).not.toContain('DEBUG');
    expect(second.images).toBe(first.images);
  });
});
