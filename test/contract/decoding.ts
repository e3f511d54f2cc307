import type { CentralCodec, Decoder } from '../../src/wire/dialect.ts';
import type { ClientMessage, ServerAnswer } from '../../src/wire/message.ts';
import { WireError } from '../../src/wire/refusal.ts';

export interface Outcome {
  readonly messages: object[];
  readonly pending: boolean;
  /** Code and detail of the refusal, if any. */
  readonly refusal?: string;
}

/**
 * Decodes a stream in pieces; refuses invalid bets too. Overwrites each piece when the next one is
 * pushed: messages must not refer to it.
 */
export function outcomeOf(
  decoder: Decoder<ClientMessage | ServerAnswer>,
  pieces: readonly Uint8Array[],
): Outcome {
  const messages: object[] = [];
  let previous: Uint8Array | undefined;
  try {
    for (const piece of pieces) {
      const chunk = Uint8Array.from(piece);
      decoder.push(chunk);
      previous?.fill(0xee);
      previous = chunk;
      for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
        messages.push(plain(next));
        checkBets(decoder, next);
      }
      // A second call without new bytes changes nothing.
      if (decoder.next() !== undefined) throw new Error('a message without new bytes');
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { messages, pending: false, refusal: error.message };
  }
  return { messages, pending: decoder.pending };
}

/** A message with its payload copied as text. */
function plain(message: ClientMessage | ServerAnswer): object {
  if (!('payload' in message)) return message;
  return { ...message, payload: Buffer.from(message.payload).toString('latin1') };
}

function checkBets(decoder: object, message: ClientMessage | ServerAnswer): void {
  if (!('payload' in message)) return;
  const bets = (decoder as CentralCodec).readBets(message, 1);
  if ('rows' in bets) return;
  throw new WireError('invalid-bet', `bet ${bets.index}, ${bets.field}, ${bets.reason}`);
}
