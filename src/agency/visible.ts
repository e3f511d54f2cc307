import { isUtf8 } from 'node:buffer';

/** Longest value in a report, in characters. */
const TEXT_MAX = 120;

/** Characters that cannot be seen, or would end a value of the log, and spaces at both ends. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}|]|(?! )\p{Zs}|^ +| +$/gu;

/** Bytes as text for a report: `\x00` for what cannot be seen, and for bytes that are no UTF-8. */
export function visible(bytes: Uint8Array): string {
  const text = Buffer.from(bytes);
  const shown = isUtf8(text)
    ? text.toString('utf8').replace(INVISIBLE, escaped)
    : text.toString('latin1').replace(/[^ -{}~]|^ +| +$/g, escaped);
  return shown.length > TEXT_MAX ? `${shown.slice(0, TEXT_MAX)}…` : shown;
}

function escaped(characters: string): string {
  const codes = Array.from(characters, character => character.codePointAt(0)!.toString(16));
  return codes
    .map(code => (code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`))
    .join('');
}
