import { isUtf8Locale } from '../config/inherited-environment.ts';

export const say = (text: string): void => void process.stdout.write(`${shown(text)}\n`);

export const complain = (text: string): void => void process.stderr.write(`loteria: ${text}\n`);

/** A text as the terminal of standard output can show it; unchanged for a file or a pipe. */
export function shown(text: string): string {
  return !process.stdout.isTTY || isUtf8Locale() ? text : toAscii(text);
}

const ASCII: Readonly<Record<string, string>> = {
  '–': '-',
  '─': '-',
  '…': '...',
  '✓': '+',
  '✗': 'x',
};

function toAscii(text: string): string {
  const plain = text.replace(/[–─…✓✗]/g, sign => ASCII[sign]!);
  return plain
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/\P{ASCII}/gu, '?');
}
