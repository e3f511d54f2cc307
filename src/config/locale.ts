/** Signs of tables and messages, and what replaces them in a locale without UTF-8. */
const ASCII: Readonly<Record<string, string>> = {
  '─': '-',
  '–': '-',
  '█': '#',
  '░': '.',
  '…': '...',
  '✓': '+',
  '✗': 'x',
};

const SIGNS = new RegExp(`[${Object.keys(ASCII).join('')}]`, 'gu');

/** A text as a terminal in the locale of the environment can show it. */
export function inLocale(text: string): string {
  if (isUtf8Locale()) return text;
  return text
    .replace(SIGNS, sign => ASCII[sign]!)
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/\P{ASCII}/gu, '?');
}

/** Whether the locale has UTF-8, or none is set, as in most containers. */
function isUtf8Locale(): boolean {
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  // POSIX: the first that is set and not empty.
  const locale = LC_ALL || LC_CTYPE || LANG;
  return locale === undefined || locale === '' || /utf-?8/i.test(locale);
}
