/** Characters of tables and messages, and what replaces them in a locale without UTF-8. */
const ASCII: Readonly<Record<string, string>> = {
  '─': '-',
  '–': '-',
  '█': '#',
  '░': '.',
  '…': '...',
  '✓': '+',
  '✗': 'x',
};

const REPLACED = new RegExp(`[${Object.keys(ASCII).join('')}]`, 'gu');

/** A text as the locale of the environment can show it. */
export function inLocale(
  text: string,
  { LC_ALL, LC_CTYPE, LANG }: Readonly<Record<string, string | undefined>> = process.env,
): string {
  // POSIX: the first that is set and not empty.
  const isUtf8 = /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
  return isUtf8 ? text : text.replace(REPLACED, character => ASCII[character]!);
}
