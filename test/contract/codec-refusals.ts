import type { Bet } from '../../src/lottery/bet.ts';
import type { Reject } from './codec-contract.ts';

export const TOO_LARGE = 'payload-too-large: ';
export const MALFORMED = 'malformed: ';
export const tooFew = (bet: number): string => `invalid-bet: bet ${bet}, batch, too-few-fields`;
export const tooMany = (bet: number): string => `invalid-bet: bet ${bet}, batch, too-many-fields`;

/** Several frames with the same refusal. */
export const each = (
  frames: readonly (readonly [string, Uint8Array])[],
  refusal: string,
): readonly Reject[] => frames.map(([what, frame]) => [what, frame, refusal]);

export const namesBoth = ({ firstName, lastName }: Bet): string => firstName + lastName;
