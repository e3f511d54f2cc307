/** Splits a text into words, for lists of values without spaces. */
export function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
