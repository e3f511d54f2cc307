import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ClientConfig, readClientConfig } from '../../src/config/client-config.ts';
import { CLIENT_KEYS } from '../../src/config/client-keys.ts';
import { ConfigError } from '../../src/config/errors.ts';
import type { Environment } from '../../src/config/keys.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { words } from '../support/words.ts';

const SKELETON = join(import.meta.dirname, '../../client/config.yaml');

/** The required keys. */
const LEAST = 'id: 1\nserver:\n  address: server:12345\n';

async function read(yaml: string, environment: Environment = {}): Promise<ClientConfig> {
  const path = join(await temporaryFolder(), 'config.yaml');
  await writeFile(path, yaml);
  return readClientConfig(path, environment);
}

/** The error message without the file's folder. */
async function refusal(yaml: string, environment: Environment = {}): Promise<string> {
  try {
    await read(yaml, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.replace(/\S*\/config\.yaml/, 'config.yaml');
  }
  throw new Error('the configuration was accepted');
}

describe("the skeleton's config.yaml", () => {
  test('needs only CLI_ID from the environment, as in the compose file of the course', async () => {
    const config = await readClientConfig(SKELETON, { CLI_ID: '1' });
    expect(config).toMatchObject({
      id: 1,
      mode: 'lottery',
      addresses: {
        servers: [{ host: 'server', port: 12345, text: 'server:12345' }],
        text: 'server:12345',
      },
      loopAmount: 5,
      loopPeriod: { milliseconds: 5_000, text: '5s' },
      logLevel: { level: 'INFO', text: 'INFO' },
      logFormat: 'text',
      batchAmountMax: 130,
      file: 'agency.csv',
      fileDelimiter: 0x2c,
      winnersFile: undefined,
      // The default window depends on the protocol.
      batchWindow: undefined,
      answerTimeoutMs: 60_000,
      protocol: 'resumable',
      retryMaxElapsedMs: 0,
      bet: undefined,
    });
  });

  test('is overridden by every environment variable', async () => {
    const config = await readClientConfig(SKELETON, {
      CLI_ID: '3',
      CLI_MODE: 'echo',
      CLI_SERVER_ADDRESS: 'central:1',
      CLI_LOOP_AMOUNT: '7',
      CLI_LOOP_PERIOD: '150ms',
      CLI_LOG_LEVEL: 'DEBUG',
      CLI_LOG_FORMAT: 'json',
      CLI_LOG_PROGRESS: '1s',
      CLI_BATCH_MAXAMOUNT: '10',
      CLI_BATCH_WINDOW: '8',
      CLI_FILE_NAME: 'other.csv',
      CLI_FILE_DELIMITER: ';',
      CLI_WINNERS_FILE: 'winners.txt',
      CLI_PROTOCOL: 'BASE',
      CLI_RETRY_MAXELAPSED: '1m',
    });
    expect(config).toMatchObject({
      id: 3,
      mode: 'echo',
      addresses: { servers: [{ host: 'central', port: 1, text: 'central:1' }], text: 'central:1' },
      loopAmount: 7,
      loopPeriod: { milliseconds: 150, text: '150ms' },
      logLevel: { level: 'DEBUG', text: 'DEBUG' },
      logFormat: 'json',
      logProgressMs: 1_000,
      batchAmountMax: 10,
      batchWindow: 8,
      file: 'other.csv',
      fileDelimiter: 0x3b,
      winnersFile: 'winners.txt',
      protocol: 'base',
      retryMaxElapsedMs: 60_000,
    });
  });

  test('has keys with variables named CLI_ and the key in upper case with _ for the dot', () => {
    for (const { name, env } of Object.values(CLIENT_KEYS)) {
      expect(env[0]).toBe(`CLI_${name.toUpperCase().replaceAll('.', '_')}`);
    }
  });
});

test('protocol tp0 is another name of base', async () => {
  const environment = { CLI_ID: '2', CLI_SERVER_ADDRESS: 'server:12345', CLI_PROTOCOL: 'tp0' };
  expect((await readClientConfig(undefined, environment)).protocol).toBe('base');
});

describe('the environment', () => {
  test('suffices without a file', async () => {
    const config = await readClientConfig(undefined, {
      CLI_ID: '2',
      CLI_SERVER_ADDRESS: 'server:12345',
    });
    expect(config).toMatchObject({ id: 2, loopPeriod: { text: '5s' }, batchAmountMax: 130 });
  });

  test('cannot replace a config file that is a folder', async () => {
    const path = join(await temporaryFolder(), 'config.yaml');
    await mkdir(path);
    await expect(readClientConfig(path, {})).rejects.toThrow(
      `cannot read ${path}, it is a folder (EISDIR)`,
    );
  });

  test('has LOG_FORMAT as another name of CLI_LOG_FORMAT, which takes precedence', async () => {
    expect((await read(LEAST, { LOG_FORMAT: 'json' })).logFormat).toBe('json');
    expect((await read(LEAST, { LOG_FORMAT: 'json', CLI_LOG_FORMAT: 'text' })).logFormat).toBe(
      'text',
    );
  });
});

describe('a client configuration', () => {
  test.each([
    ['5s', 'plain'],
    ['"5s"', 'double quotes'],
    ["'5s'", 'single quotes'],
  ])('keeps the text of %s (%s)', async written => {
    expect((await read(`${LEAST}loop:\n  period: ${written}\n`)).loopPeriod).toEqual({
      milliseconds: 5_000,
      text: '5s',
    });
  });

  test('keeps the spelling of durations and the case of levels', async () => {
    const config = await read(`${LEAST}loop:\n  period: 0.5m\nlog:\n  level: warn\n`);
    expect(config.loopPeriod).toEqual({ milliseconds: 30_000, text: '0.5m' });
    expect(config.logLevel).toEqual({ level: 'WARNING', text: 'warn' });
  });

  test('may have flat keys with dots, or be JSON', async () => {
    expect((await read('id: 1\nserver.address: server:1\n')).addresses.servers[0]!.port).toBe(1);
    expect((await read('{"id": "4", "server": {"address": "server:2"}}')).id).toBe(4);
  });

  test('counts a key without a value as unset', async () => {
    expect((await read(`${LEAST}loop:\n  amount:\nlog: ~\n`)).loopAmount).toBe(5);
  });

  test.each([
    ['server:12345', 'server', 12345],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['central.example.org:65535', 'central.example.org', 65535],
    ['[::1]:12345', '::1', 12345],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
  ])('accepts the address %s', async (text, host, port) => {
    const { addresses } = await read(LEAST, { CLI_SERVER_ADDRESS: text });
    expect(addresses).toEqual({ servers: [{ host, port, text }], text });
  });

  const SIXTEEN = Array.from({ length: 16 }, (_, index) => `server${index + 1}:12345`);

  test.each([
    ['a:1,b:2', ['a:1', 'b:2']],
    ['a:1, b:2 ,\t[::1]:3', ['a:1', 'b:2', '[::1]:3']],
    ['a:1,a:1', ['a:1', 'a:1']],
    [SIXTEEN.join(','), SIXTEEN],
  ])('accepts the addresses %j in order and keeps their text', async (text, each) => {
    const { addresses } = await read(LEAST, { CLI_SERVER_ADDRESS: text });
    expect(addresses.text).toBe(text);
    expect(addresses.servers.map(server => server.text)).toEqual(each);
  });

  test.each([
    ...words(`
      server server: :12345 server:0 server:65536 server:-1 server:http ::1:12345 [::1] []:1
      http://server:1 a:1, ,a:1 a:1,,b:2 a:1,b a:1,b:0 a:1;b:2 ,
    `),
    'ser ver:1',
    'server:1 ',
    'a:1 b:2',
    [...SIXTEEN, 'server17:12345'].join(','),
  ])('refuses the address %j', async text => {
    expect(await refusal(LEAST, { CLI_SERVER_ADDRESS: text })).toBe(
      `environment variable CLI_SERVER_ADDRESS: server.address is '${text}', allowed: host:port, or up to 16 of them with commas between`,
    );
  });

  test.each([
    [',', 0x2c],
    [';', 0x3b],
    ['|', 0x7c],
    [' ', 0x20],
    ['\t', 0x09],
    ['\\t', 0x09],
  ])('accepts the delimiter %j', async (text, byte) => {
    expect((await read(LEAST, { CLI_FILE_DELIMITER: text })).fileDelimiter).toBe(byte);
  });

  test.each(['"', '\n', '\r', ',,', 'é', '🎲', '\\n'])('refuses the delimiter %j', async text => {
    expect(await refusal(LEAST, { CLI_FILE_DELIMITER: text })).toContain('file.delimiter is');
  });

  test.each([
    ['CLI_ID', ['0', '65536', '-1', '1.0', 'one', '1e2', ' 1']],
    ['CLI_MODE', ['lotería', 'both']],
    ['CLI_LOOP_AMOUNT', ['-1', '5.0', 'five', '9'.repeat(20)]],
    ['CLI_LOOP_PERIOD', ['5', '0s', '0', '-5s', '0.5ms']],
    ['CLI_LOG_LEVEL', ['TRACE', 'verbose']],
    ['CLI_LOG_FORMAT', ['xml']],
    ['CLI_BATCH_MAXAMOUNT', ['0', '100001', '1.5']],
    ['CLI_BATCH_WINDOW', ['0', '1025', '-1', 'all']],
    ['CLI_PROTOCOL', ['http', 'resumable,base']],
    ['CLI_RETRY_MAXELAPSED', ['5', 'never']],
  ])('refuses %s out of its bounds', async (variable, texts) => {
    const key = Object.values(CLIENT_KEYS).find(({ env }) => env[0] === variable)!;
    for (const text of texts) {
      expect(await refusal(LEAST, { [variable]: text })).toBe(
        `environment variable ${variable}: ${key.name} is '${text}', allowed: ${key.allowed}`,
      );
    }
  });
});

describe('the file config.yaml', () => {
  test('is reported with key, value, line and allowed values for a wrong value', async () => {
    expect(await refusal(`${LEAST}loop:\n  amount: many\n`)).toBe(
      "config.yaml, line 5: loop.amount is 'many', allowed: 0 or more",
    );
  });

  test('is refused with a number in another notation, as it was written', async () => {
    expect(await refusal(`${LEAST}loop:\n  amount: 0x10\n`)).toContain("loop.amount is '0x10'");
  });

  test('is reported with the settings for a missing key', async () => {
    expect(await refusal('id: 1\n')).toMatch(
      /^server\.address is missing: set server\.address in .*config\.yaml or CLI_SERVER_ADDRESS in the environment \(host:port, or up to 16 of them with commas between\)$/,
    );
  });

  test('is reported with line and suggestion for an unknown key', async () => {
    expect(await refusal(`${LEAST}loop:\n  period: 5s\n  amuont: 3\n`)).toBe(
      'config.yaml, line 6: unknown key loop.amuont; did you mean loop.amount?',
    );
  });

  test.each([
    ['server: localhost:1', 'server; did you mean server.address?'],
    ['batch: 10', 'batch; did you mean batch.maxAmount or batch.window?'],
    ['nothing: 1', 'nothing; docs/CONFIG.md and --help list the keys'],
  ])('%s, an unknown key, names no more than what may be meant', async (line, message) => {
    expect(await refusal(`${line}\n`)).toBe(`config.yaml, line 1: unknown key ${message}`);
  });

  test('a text that is not YAML is refused with its line, named once', async () => {
    expect(await refusal('a: [1,2\n')).toMatch(/^config\.yaml, line 2: Flow sequence .* ]$/);
  });

  test.each([
    ['a list', `${LEAST}loop:\n  - 5\n`, 'line 5'],
    ['a list as the whole', '- 1\n', 'line 1'],
    ['a word as the whole', 'hello\n', 'line 1'],
    ['an alias', 'id: &one 1\nserver:\n  address: *one\n', 'line 3'],
  ])('is refused with the line of %s in place of a value', async (_, yaml, line) => {
    expect(await refusal(yaml)).toBe(
      `config.yaml, ${line}: a single value or 'key: value' lines are expected here`,
    );
  });

  test.each([
    ['a duplicate key', 'id: 1\nid: 2\n', 2],
    ['an open quote', 'id: "1\n', 1],
    ['a tab as indentation', 'server:\n\taddress: server:1\n', 2],
    ['an unclosed bracket', 'id: 1\nserver: {address: x\n', 2],
  ])('is refused with the line of %s', async (_, yaml, line) => {
    const message = await refusal(yaml);
    expect(message).toMatch(/^config\.yaml, line \d+: /);
    expect(Number(/line (\d+)/.exec(message)![1])).toBeGreaterThanOrEqual(line);
    expect(message).not.toContain('\n');
  });

  test.each([
    ['', 'nothing'],
    ['# only a comment\n', 'a comment'],
    ['---\n', 'an empty document'],
    ['\ufeff', 'a byte order mark'],
  ])('counts as no file when it is %j, %s', async yaml => {
    expect((await read(yaml, { CLI_ID: '1', CLI_SERVER_ADDRESS: 'a:1' })).id).toBe(1);
  });

  test('may have a byte order mark and CRLF line ends', async () => {
    expect((await read(`\ufeff${LEAST.replaceAll('\n', '\r\n')}`)).addresses.text).toBe(
      'server:12345',
    );
  });
});
