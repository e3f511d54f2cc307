/** In UTF-16 units. Longer than what anybody has to say, and short enough for a line of the log. */
export const PEER_TEXT_LENGTH_MAX = 500;

/**
 * What a peer says in words, as the detail of a refusal: no line ends nor other control characters, no `|`, and no longer than
 * a line of the log should be.
 */
export function peerText(text: string): string {
  return text
    .slice(0, PEER_TEXT_LENGTH_MAX)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}|]+/gu, ' ')
    .trim();
}
