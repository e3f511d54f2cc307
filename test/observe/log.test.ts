import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Log, type LogOptions } from '../../src/observe/log.ts';
import { LOG_LEVELS, type LogLevel, parseLogLevel } from '../../src/observe/log-level.ts';

const NOON = new Date(2024, 7, 21, 12, 5, 9, 999);

function collect(options: Partial<LogOptions> = {}): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = new Log({
    level: 'DEBUG',
    format: 'text',
    write: line => lines.push(line),
    clock: () => NOON,
    ...options,
  });
  return { log, lines };
}

/** The details of a line, parsed by the separators ` | ` and `: ` alone. */
function takeApart(line: string): [string, string][] {
  return line
    .slice('2024-08-21 12:05:09 INFO     '.length, -1)
    .split(' | ')
    .map(pair => [pair.slice(0, pair.indexOf(': ')), pair.slice(pair.indexOf(': ') + 2)]);
}

describe('a line of the log', () => {
  test('has the local time with two digits per part, and follows the clock', () => {
    const times = [
      new Date(2024, 0, 2, 3, 4, 5, 0),
      new Date(2024, 0, 2, 3, 4, 5, 999),
      new Date(2024, 0, 2, 3, 4, 6),
      new Date(2024, 11, 31, 23, 59, 59),
      new Date(2024, 0, 2, 3, 4, 5),
    ];
    const lines: string[] = [];
    for (const time of times)
      collect({ clock: () => time, write: line => lines.push(line) }).log.line(
        'INFO',
        'a',
        'success',
      );
    const { log } = collect({ clock: () => times.shift()!, write: line => lines.push(line) });
    for (let index = 0; index < 5; index += 1) log.line('INFO', 'a', 'success');
    const expected = [
      '2024-01-02 03:04:05',
      '2024-01-02 03:04:05',
      '2024-01-02 03:04:06',
      '2024-12-31 23:59:59',
      '2024-01-02 03:04:05',
    ];
    expect(lines.map(line => line.slice(0, 19))).toEqual([...expected, ...expected]);
  });

  test('keeps zero and the empty string', () => {
    const { log, lines } = collect();
    log.line('INFO', 'consulta_ganadores', 'success', { cant_ganadores: 0, file: '' });
    expect(lines[0]).toMatch(/ \| cant_ganadores: 0 \| file: \n$/);
  });
});

describe('log levels', () => {
  const WRITTEN: Readonly<Record<LogLevel, string[]>> = {
    DEBUG: ['DEBUG', 'INFO', 'WARNING', 'ERROR'],
    INFO: ['INFO', 'WARNING', 'ERROR'],
    WARNING: ['WARNING', 'ERROR'],
    ERROR: ['ERROR'],
    CRITICAL: [],
  };

  test.each(LOG_LEVELS.map(level => [level]))(
    '%s writes lines of its own level and above',
    level => {
      for (const format of ['text', 'json'] as const) {
        const { log, lines } = collect({ level, format });
        log.line('DEBUG', 'a', 'success');
        log.line('INFO', 'a', 'success');
        log.line('WARNING', 'a', 'success');
        log.line('ERROR', 'a', 'success');
        expect(lines.map(line => /DEBUG|INFO|WARNING|ERROR/.exec(line)![0])).toEqual(
          WRITTEN[level],
        );
      }
    },
  );

  test.each([
    ['DEBUG', 'DEBUG'],
    ['debug', 'DEBUG'],
    ['Info', 'INFO'],
    ['NOTICE', 'INFO'],
    ['WARN', 'WARNING'],
    ['warning', 'WARNING'],
    ['ERROR', 'ERROR'],
    ['CRITICAL', 'CRITICAL'],
    ['FATAL', 'CRITICAL'],
    ['NOTSET', 'DEBUG'],
  ])('parseLogLevel reads %s as %s and keeps its text', (text, level) => {
    expect(parseLogLevel(text)).toEqual({ level, text });
  });

  test.each(['', 'TRACE', 'INFO ', '10', 'constructor', 'toString', '__proto__'])(
    'parseLogLevel rejects %j',
    text => {
      expect(parseLogLevel(text)).toBeUndefined();
    },
  );
});

describe('detail values', () => {
  test('have vertical bars replaced by slashes', () => {
    const { log, lines } = collect();
    log.line('INFO', 'a', 'success', { file: 'a|b | c', msg: 'x | result: fail' });
    expect(lines[0]).toMatch(/ \| file: a\/b \/ c \| msg: x \/ result: fail\n$/);
  });

  test('have line ends replaced by a space, against forged lines', () => {
    const { log, lines } = collect();
    log.line('INFO', 'a', 'success', {
      msg: 'one\n2024-08-21 12:05:09 INFO     action: b',
      file: 'x\r\ny\rz',
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]!.trimEnd().split(/[\r\n]/)).toHaveLength(1);
    expect(lines[0]).toContain(' | file: x y z\n');
  });

  test('keep colons only in addresses and messages', () => {
    const { log, lines } = collect();
    log.line('INFO', 'a', 'success', {
      ip: '::1',
      address: '[::1]:80',
      server_address: 'server:12345',
      msg: 'a: b',
      file: 'C:\\agency.csv',
      error: 'line 3: bad: worse:',
    });
    expect(lines[0]).toMatch(
      / \| ip: ::1 \| address: \[::1\]:80 \| server_address: server:12345 \| msg: a: b \| file: C \\agency\.csv \| error: line 3 bad worse\n$/,
    );
  });

  test('leave the line parsable for any content', () => {
    const value = fc.string({
      unit: fc.constantFrom('a', 'é', '🎲', '|', ':', ' ', '\n', '\r', '"', '\\'),
    });
    fc.assert(
      fc.property(value, value, value, (file, error, msg) => {
        const { log, lines } = collect();
        log.line('INFO', 'a', 'success', { file, error, msg, count: 3 });
        expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
        const pairs = takeApart(lines[0]!);
        expect(pairs.map(([key]) => key)).toEqual([
          'action',
          'result',
          'file',
          'error',
          'msg',
          'count',
        ]);
        for (const [key, text] of pairs) {
          expect(text).not.toMatch(/[|\r\n]/);
          if (key !== 'msg') expect(text).not.toContain(':');
        }
      }),
    );
  });
});

describe('JSON lines', () => {
  test('keep every value unchanged on one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), msg => {
        const { log, lines } = collect({ format: 'json' });
        log.line('WARNING', 'a', 'fail', { msg });
        expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
        expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'WARNING', result: 'fail', msg });
      }),
    );
  });
});
