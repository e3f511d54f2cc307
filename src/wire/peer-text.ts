/** In UTF-16 units: enough for a sentence, and short enough for a log line. */
export const PEER_TEXT_LENGTH_MAX = 500;

/**
 * A peer's text as the detail of a refusal: no control characters, no `|`, bounded in length.
 */
export function peerText(text: string): string {
  return text
    .slice(0, PEER_TEXT_LENGTH_MAX)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}|]+/gu, ' ')
    .trim();
}
