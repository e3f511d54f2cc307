import { LOG_LEVELS, type LogLevel } from './log-level.ts';
import type { LogSink } from './log-sink.ts';

export type Result = 'success' | 'fail' | 'in_progress';

export type Details = Readonly<Record<string, string | number | undefined>>;

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  readonly write: (line: string) => void;
  /** Writes buffered lines. */
  readonly flush?: () => void;
  readonly clock: () => Date;
}

/** Details whose values may contain a colon: times, addresses, messages, file content. */
const COLONS_ALLOWED = new Set([
  'until',
  'at',
  'ip',
  'address',
  'server_address',
  'url',
  'msg',
  'value',
  'hint',
]);

/**
 * Log lines of the assignment:
 *
 *     2024-08-21 22:11:15 INFO     action: x | result: success | key: value
 *
 * local time, the level padded to 8. A line can be parsed: no value contains a `|`, a line end or,
 * outside `COLONS_ALLOWED`, a `:`.
 */
export class Log {
  readonly #options: LogOptions;
  readonly #threshold: number;
  #second = -1;
  #secondText = '';

  constructor(options: LogOptions) {
    this.#options = options;
    this.#threshold = LOG_LEVELS.indexOf(options.level);
  }

  line(level: LogLevel, action: string, result: Result, details: Details = {}): void {
    if (LOG_LEVELS.indexOf(level) < this.#threshold) return;
    const { format, write, clock } = this.#options;
    if (format === 'json') {
      const line = JSON.stringify({
        time: clock().toISOString(),
        level,
        action,
        result,
        ...details,
      });
      // JSON escapes the others.
      write(`${line.replace(/[\u007f-\u009f\u2028\u2029]/g, escapeCharacter)}\n`);
      return;
    }
    let line = `${this.#time(clock())} ${level.padEnd(8)} action: ${action} | result: ${result}`;
    for (const key in details) {
      const value = details[key];
      if (value !== undefined)
        line += ` | ${key}: ${typeof value === 'number' ? value : plain(key, value)}`;
    }
    write(`${line}\n`);
  }

  /** Writes buffered lines before others learn what they say. */
  flush(): void {
    this.#options.flush?.();
  }

  /** Formats each second once. */
  #time(date: Date): string {
    const second = Math.floor(date.getTime() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
      this.#secondText = `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    }
    return this.#secondText;
  }
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Control characters and line separators could end or overwrite a line. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

function plain(key: string, value: string): string {
  const line = value.replace(UNPRINTABLE, ' ').replaceAll('|', '/');
  return COLONS_ALLOWED.has(key) ? line : line.replace(/:\s*/g, ' ').trim();
}

export function openLog(sink: LogSink, options: Pick<LogOptions, 'level' | 'format'>): Log {
  return new Log({ ...options, write: sink.write, flush: sink.flush, clock: () => new Date() });
}
