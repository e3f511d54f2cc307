import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/errors.ts';
import type { Environment } from '../../src/config/keys.ts';
import { readServerConfig, type ServerConfig } from '../../src/config/server-config.ts';
import { SERVER_KEYS } from '../../src/config/server-keys.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const SKELETON = join(import.meta.dirname, '../../server/config.ini');

/** The required keys. */
const LEAST = '[DEFAULT]\nSERVER_PORT = 12345\n';

async function read(ini: string, environment: Environment = {}): Promise<ServerConfig> {
  const path = join(await temporaryFolder(), 'config.ini');
  await writeFile(path, ini);
  return readServerConfig(path, environment);
}

async function refusal(ini: string, environment: Environment = {}): Promise<string> {
  try {
    await read(ini, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.replace(/\S*\/config\.ini/, 'config.ini');
  }
  throw new Error('the configuration was accepted');
}

describe("the skeleton's config.ini", () => {
  test('suffices, as everything else has a default', () => {
    expect(readServerConfig(SKELETON, {})).toEqual({
      listeners: [{ dialect: 'tp0', port: 12345 }],
      ip: 'server',
      host: undefined,
      closeHoldMs: 0,
      backlog: expect.any(Number) as number,
      logLevel: { level: 'INFO', text: 'INFO' },
      logFormat: 'text',
      mode: 'lottery',
      agencies: [1, 2, 3, 4, 5],
      dataDirectory: '.',
      store: { kind: 'csv' },
      httpPort: undefined,
      httpHost: '127.0.0.1',
      httpNames: undefined,
      limits: DEFAULT_LIMITS,
      ...limitValues(),
    });
  });

  test('is overridden by every environment variable', () => {
    const config = readServerConfig(SKELETON, {
      SERVER_PORT: '1',
      SERVER_IP: 'central',
      SERVER_HOST: '::1',
      SERVER_LISTEN_BACKLOG: '9',
      LOGGING_LEVEL: 'DEBUG',
      LOG_FORMAT: 'json',
      SERVER_MODE: 'echo',
      NUMBER_AGENCIES: '2',
      DATA_DIR: '/data',
      SERVER_STORE: 'memory',
      HTTP_PORT: '8080',
      HTTP_HOST: '0.0.0.0',
      HTTP_NAMES: 'central.example, server1',
      CONNECTIONS_MAX: '10',
      AGENCY_CONNECTIONS_MAX: '2',
      UNANSWERED_MAX: '3',
      PAYLOAD_BYTES_MAX: '1024',
      FIRST_MESSAGE_TIMEOUT: '1s',
      MESSAGE_TIMEOUT: '2s',
      IDLE_TIMEOUT: '3s',
      UNREAD_TIMEOUT: '4s',
      STOP_TIMEOUT: '1m',
    });
    expect(config).toMatchObject({
      listeners: [{ dialect: 'tp0', port: 1 }],
      ip: 'central',
      host: '::1',
      backlog: 9,
      logLevel: { level: 'DEBUG', text: 'DEBUG' },
      logFormat: 'json',
      mode: 'echo',
      agencies: [1, 2],
      dataDirectory: '/data',
      store: { kind: 'memory' },
      httpPort: 8080,
      httpHost: '0.0.0.0',
      httpNames: ['central.example', 'server1'],
      limits: {
        ...DEFAULT_LIMITS,
        connectionsMax: 10,
        agencyConnectionsMax: 2,
        unansweredMax: 3,
        payloadBytesMax: 1024,
        firstMessageTimeoutMs: 1_000,
        messageTimeoutMs: 2_000,
        idleTimeoutMs: 3_000,
        unreadTimeoutMs: 4_000,
        stopTimeoutMs: 60_000,
      },
    });
  });

  test('has keys that are overridden by the variable of the same name', () => {
    for (const { name, env } of Object.values(SERVER_KEYS)) expect(env).toEqual([name]);
  });
});

/** The object also has the limits under their names, which its type does not declare. */
function limitValues(): object {
  const names = Object.keys(SERVER_KEYS).filter(name => name in DEFAULT_LIMITS);
  return Object.fromEntries(
    names.map(name => [name, DEFAULT_LIMITS[name as keyof typeof DEFAULT_LIMITS]]),
  );
}

describe('the environment', () => {
  test('suffices without a file', () => {
    expect(readServerConfig(undefined, { SERVER_PORT: '0' })).toMatchObject({
      listeners: [{ dialect: 'tp0', port: 0 }],
      backlog: 511,
    });
  });

  test('cannot replace a named file that is missing', async () => {
    const path = join(await temporaryFolder(), 'nowhere.ini');
    expect(() => readServerConfig(path, { SERVER_PORT: '1' })).toThrow(
      `cannot read ${path}, it does not exist (ENOENT)`,
    );
  });

  test('counts an empty variable as unset', async () => {
    expect(await read(LEAST, { SERVER_PORT: '', AGENCIES: '', LOGGING_LEVEL: '' })).toMatchObject({
      listeners: [{ dialect: 'tp0', port: 12345 }],
      agencies: [1, 2, 3, 4, 5],
      logLevel: { level: 'INFO' },
    });
  });
});

describe('the file config.ini', () => {
  test.each([
    ['names in any letter case', '[DEFAULT]\nserver_port = 1\nLogging_Level = debug\n'],
    ['no spaces around =', '[DEFAULT]\nSERVER_PORT=1\nLOGGING_LEVEL=debug\n'],
    ['Windows line ends', '[DEFAULT]\r\nSERVER_PORT = 1\r\nLOGGING_LEVEL = debug\r\n'],
    [
      'comments and empty lines',
      '# a\n; b\n\n[DEFAULT]\n\n# c\nSERVER_PORT = 1\n; d\nLOGGING_LEVEL = debug',
    ],
    ['quoted values', '[DEFAULT]\nSERVER_PORT = "1"\nLOGGING_LEVEL = \'debug\'\n'],
    ['a value left empty', '[DEFAULT]\nSERVER_PORT = 1\nLOGGING_LEVEL = debug\nSERVER_HOST =\n'],
    ['a byte order mark', '\ufeff[DEFAULT]\nSERVER_PORT = 1\nLOGGING_LEVEL = debug\n'],
  ])('may have %s', async (_, ini) => {
    expect(await read(ini)).toMatchObject({
      listeners: [{ dialect: 'tp0', port: 1 }],
      logLevel: { level: 'DEBUG', text: 'debug' },
    });
  });

  test.each(['true', 'null'])('may have the word %s as a value', async word => {
    expect((await read(`${LEAST}SERVER_IP = ${word}\n`)).ip).toBe(word);
  });

  test('is reported with key, value, source and allowed values for a wrong value', async () => {
    expect(await refusal('[DEFAULT]\nSERVER_PORT = http\n')).toBe(
      "config.ini: SERVER_PORT is 'http', allowed: 0 to 65535; 0 takes any free port",
    );
    expect(await refusal(LEAST, { SERVER_PORT: '65536' })).toBe(
      "environment variable SERVER_PORT: SERVER_PORT is '65536', allowed: 0 to 65535; 0 takes any free port",
    );
  });

  test.each([
    ['SERVER_PORT', 'SERVER_PORT'],
    ['  data_dir  ; the folder', 'data_dir'],
    ['SERVER_STORE: postgres://ana:secret@db/loteria', 'SERVER_STORE'],
  ])('is refused by the line %j without =', async (line, name) => {
    expect(await refusal(`[DEFAULT]\r\n# A comment.\r\n\r\n${line}\r\n`)).toBe(
      `config.ini, line 4: ${name} has no =, write KEY = VALUE`,
    );
  });

  test('is reported with the settings for a missing port', async () => {
    expect(await refusal('[DEFAULT]\n')).toMatch(
      /^SERVER_PORT is missing: set SERVER_PORT in .*config\.ini or SERVER_PORT in the environment/,
    );
  });

  test('is reported with a suggestion for an unknown key', async () => {
    expect(await refusal(`${LEAST}SERVER_PROT = 1\n`)).toBe(
      'config.ini: unknown key SERVER_PROT; did you mean SERVER_PORT?',
    );
    expect(await refusal('[DEFAULT]\nPORT = 1\n')).toBe(
      'config.ini: unknown key PORT; did you mean SERVER_PORT or HTTP_PORT?',
    );
  });

  test.each([
    ['SERVER_PORT = 1\n', 'SERVER_PORT'],
    [`${LEAST}[OTHER]\nSERVER_IP = x\n`, 'OTHER'],
    [`${LEAST}[DEFAULT.OTHER]\nSERVER_IP = x\n`, 'DEFAULT.OTHER'],
    ['[default]\nSERVER_PORT = 1\n', 'default'],
  ])('is refused with content outside section [DEFAULT] (%j)', async (ini, name) => {
    expect(await refusal(ini)).toBe(
      `config.ini: '${name}' is not part of section [DEFAULT], the only one that is read`,
    );
  });

  test.each([
    ['SERVER_LISTEN_BACKLOG', ['0', '-1', '65536', 'many']],
    ['LOGGING_LEVEL', ['LOUD']],
    ['LOG_FORMAT', ['xml']],
    ['SERVER_MODE', ['chat']],
    ['NUMBER_AGENCIES', ['-1', '65536', '5.0']],
    ['SERVER_STORE', ['sqlite']],
    ['HTTP_NAMES', ['central.example:8080', 'a,,b', 'http://central']],
    ['PAYLOAD_BYTES_MAX', ['1023', '1048577']],
    ['IDLE_TIMEOUT', ['0', '5', '0s', 'soon', '0.1ms']],
    ['STOP_TIMEOUT', ['-1s']],
  ])('is refused when the environment has %s out of its bounds', async (name, texts) => {
    const key = Object.values(SERVER_KEYS).find(known => known.name === name)!;
    for (const text of texts) {
      expect(await refusal(LEAST, { [name]: text })).toBe(
        `environment variable ${name}: ${name} is '${text}', allowed: ${key.allowed}`,
      );
    }
  });
});

describe('the expected agencies', () => {
  test.each([
    ['1', [1]],
    ['1,2,7-9', [1, 2, 7, 8, 9]],
    [' 1 , 2 , 7-9 ', [1, 2, 7, 8, 9]],
    ['3-3', [3]],
    ['2,1-3', [2, 1, 3]],
    ['5,5,5', [5]],
    ['65535', [65535]],
    ['65534-65535', [65534, 65535]],
  ])('are read from AGENCIES=%s', async (text, ids) => {
    expect((await read(LEAST, { AGENCIES: text })).agencies).toEqual(ids);
    expect((await read(`${LEAST}AGENCIES = ${text}\n`)).agencies).toEqual(ids);
  });

  test.each([
    ['0', '0 is not within 1 to 65535, the ids that there are'],
    ['1,65536', '65536 is not within 1 to 65535, the ids that there are'],
    ['2,3-1', 'the range 3-1 ends before it begins'],
    ['0-5', '0-5 is not within 1 to 65535, the ids that there are'],
    ['1-65536', '1-65536 is not within 1 to 65535, the ids that there are'],
  ])('are refused with the reason for AGENCIES=%s', async (text, reason) => {
    expect(await refusal(LEAST, { AGENCIES: text })).toBe(
      `environment variable AGENCIES: AGENCIES is '${text}', ${reason}`,
    );
  });

  test.each(['1,,2', ',1', '1,', '1;2', 'one', '1-', '-1', '1-2-3', '1.5', '1 - 3'])(
    'are refused with the allowed form for AGENCIES=%s',
    async text => {
      expect(await refusal(LEAST, { AGENCIES: text })).toBe(
        `environment variable AGENCIES: AGENCIES is '${text}', allowed: ids and ranges of ids such as 1,2,7-9`,
      );
    },
  );

  test('are those of AGENCIES, else 1 to NUMBER_AGENCIES', async () => {
    expect((await read(LEAST, { NUMBER_AGENCIES: '3' })).agencies).toEqual([1, 2, 3]);
    expect((await read(LEAST, { NUMBER_AGENCIES: '3', AGENCIES: '8' })).agencies).toEqual([8]);
    expect((await read(LEAST, { NUMBER_AGENCIES: '0' })).agencies).toEqual([]);
  });

  test('include every id of a range once, in the order given', () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 500 }), fc.nat(20));
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 8 }), ranges => {
        const text = ranges
          .map(([from, more]) => (more === 0 ? `${from}` : `${from}-${from + more}`))
          .join(',');
        const all = ranges.flatMap(([from, more]) =>
          Array.from({ length: more + 1 }, (_, i) => from + i),
        );
        const config = readServerConfig(undefined, { SERVER_PORT: '0', AGENCIES: text });
        expect(config.agencies).toEqual([...new Set(all)]);
      }),
    );
  });
});

describe('SERVER_LISTENERS', () => {
  test('replaces SERVER_PORT with a dialect per port, in any case and with spaces', () => {
    const text = 'tp0:12345, Push-Codes:12346,check-win:12347,csv-frames:12348,op-codes:0,tp0:0';
    const { listeners } = readServerConfig(undefined, { SERVER_LISTENERS: text, SERVER_PORT: '1' });
    expect(listeners).toEqual([
      { dialect: 'tp0', port: 12345 },
      { dialect: 'push-codes', port: 12346 },
      { dialect: 'check-win', port: 12347 },
      { dialect: 'csv-frames', port: 12348 },
      { dialect: 'op-codes', port: 0 },
      { dialect: 'tp0', port: 0 },
    ]);
  });

  test.each([
    ['an unknown dialect', 'tp1:1'],
    ['no port', 'tp0'],
    ['an invalid port', 'tp0:65536'],
    ['text after a port', 'tp0:1:2'],
    ['nothing after a comma', 'tp0:1,'],
  ])('is refused by the entry with %s', (_, text) => {
    const entry = text.split(',').at(-1);
    expect(() => readServerConfig(undefined, { SERVER_LISTENERS: text })).toThrow(
      `SERVER_LISTENERS is '${text}', '${entry}' is not dialect:port with one of tp0, push-codes, check-win, csv-frames, op-codes (base is another name of tp0) and a port from 0 to 65535`,
    );
  });

  test.each(['tp0:1,op-codes:1', 'tp0:12345,tp0:12345'])(
    'is refused by the duplicate port in %s',
    text => {
      const port = text.split(':').at(-1);
      expect(() => readServerConfig(undefined, { SERVER_LISTENERS: text })).toThrow(
        `SERVER_LISTENERS is '${text}', port ${port} is there twice: each port has one dialect`,
      );
    },
  );

  test.each(['tp0', 'base', 'resumable', 'BASE'])(
    'reads %s as the port of the base protocol',
    name => {
      const { listeners } = readServerConfig(undefined, { SERVER_LISTENERS: `${name}:1` });
      expect(listeners).toEqual([{ dialect: 'tp0', port: 1 }]);
    },
  );
});

describe('HTTP_PORT', () => {
  test.each([
    ['SERVER_PORT', { SERVER_PORT: '12345' }],
    ['SERVER_PORT', { SERVER_PORT: '12345', SERVER_HOST: '::' }],
    ['SERVER_PORT', { SERVER_PORT: '12345', SERVER_HOST: '127.0.0.1' }],
    ['SERVER_PORT', { SERVER_PORT: '12345', SERVER_HOST: '10.0.0.1', HTTP_HOST: '0.0.0.0' }],
    ['SERVER_LISTENERS', { SERVER_LISTENERS: 'tp0:1,op-codes:12345' }],
  ])('is refused when it is a port of %s, too (%j)', (key, environment) => {
    expect(() => readServerConfig(undefined, { ...environment, HTTP_PORT: '12345' })).toThrow(
      new ConfigError(`port 12345 is in ${key} and in HTTP_PORT: each needs a port of its own`),
    );
  });

  test.each<Environment>([
    { SERVER_PORT: '0', HTTP_PORT: '0' },
    { SERVER_PORT: '12345', SERVER_HOST: '10.0.0.1', HTTP_PORT: '12345' },
    { SERVER_PORT: '12345', SERVER_LISTENERS: 'tp0:1', HTTP_PORT: '12345' },
  ])('may be the same where both can be bound (%j)', environment => {
    expect(readServerConfig(undefined, environment).httpPort).toBe(Number(environment.HTTP_PORT));
  });
});
