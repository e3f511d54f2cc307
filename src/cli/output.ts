import { inLocale } from '../config/locale.ts';

export const say = (text: string): void => void process.stdout.write(`${inLocale(text)}\n`);

export const complain = (text: string): void =>
  void process.stderr.write(`loteria: ${inLocale(text)}\n`);
