import { inLocale } from '../config/locale.ts';

export const say = (text: string): void => void process.stdout.write(`${shown(text)}\n`);

export const complain = (text: string): void => void process.stderr.write(`loteria: ${text}\n`);

/** A text as the terminal of standard output can show it; unchanged for a file or a pipe. */
export function shown(text: string): string {
  return process.stdout.isTTY ? inLocale(text) : text;
}
