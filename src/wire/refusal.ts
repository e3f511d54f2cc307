/**
 * Why the central refuses a message. The list is the protocol's (section 2); a dialect carries as
 * much of it as its bytes allow. `docs/ERRORS.md` explains each, and a test ties the two.
 */
export const REFUSAL_CODES = [
  'not-identified',
  'unknown-message',
  'malformed',
  'payload-too-large',
  'invalid-bet',
  'sequence-gap',
  'count-mismatch',
  'upload-open',
  'upload-voided',
  'agency-finished',
  'draw-closed',
  'unauthorized',
  'busy',
  'closing',
  'storage',
] as const;

/** How to begin the next lottery, for `draw-closed` and the log. */
export const NEXT_LOTTERY =
  "the next lottery begins with 'loteria draw new' while no server runs; with containers, 'make " +
  "docker-compose-down', or 'down --volumes' of a cluster; with a database, another STORE_LOTTERY";

export type RefusalCode = (typeof REFUSAL_CODES)[number];

export interface Refusal {
  readonly code: RefusalCode;
  /**
   * For the log and for dialects that can carry text; no `|`, no line end, nothing about a person.
   */
  readonly detail: string;
}

/**
 * Thrown by a decoder for bytes that are no message of its dialect. The stream is unusable then.
 */
export class WireError extends Error {
  readonly refusal: Refusal;

  constructor(code: RefusalCode, detail: string) {
    super(`${code}: ${detail}`);
    this.name = 'WireError';
    this.refusal = { code, detail };
  }
}
