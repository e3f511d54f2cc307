/** A text as one word of a shell's command, quoted only where it must be. */
export function shellWord(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : shellQuoted(text);
}

/** A text as one word in single quotes; for fish, a text without backslashes. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
