import * as fc from 'fast-check';
import type { Decoder } from '../../src/wire/dialect.ts';
import type { ClientMessage, ServerAnswer } from '../../src/wire/message.ts';
import { WireError } from '../../src/wire/refusal.ts';
import { cutAt } from '../lottery/cuts.ts';

/** Frames built by hand, and what a decoder makes of a stream in pieces. */

/** The bytes of a frame: the type, then length and payload when there is one. */
export function frameOf(type: string, payload?: Uint8Array | string): Buffer {
  const head = Buffer.alloc(4);
  head.write(type, 'latin1');
  if (payload === undefined) return head;
  const body = Buffer.from(payload as Uint8Array);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([head, length, body]);
}

/**
 * All messages of a stream that arrives in pieces. What `own` makes of a message has to be independent of the stream's
 * bytes: each piece is overwritten as soon as the next one is pushed.
 */
export function decodePieces<Message, Own>(
  decoder: Pick<Decoder<Message>, 'push' | 'next'>,
  pieces: readonly Uint8Array[],
  own: (message: Message) => Own,
): Own[] {
  const messages: Own[] = [];
  let given: Uint8Array | undefined;
  for (const piece of pieces) {
    const chunk = Uint8Array.from(piece);
    decoder.push(chunk);
    given?.fill(0xee);
    given = chunk;
    for (let message = decoder.next(); message !== undefined; message = decoder.next())
      messages.push(own(message));
  }
  return messages;
}

/** A message with its payload as text, which the stream cannot change any more. */
export function plain(message: ClientMessage | ServerAnswer): object {
  return 'payload' in message
    ? { ...message, payload: Buffer.from(message.payload).toString('latin1') }
    : message;
}

/** The code with which a stream is refused. */
export function codeOf(decoder: Decoder<ClientMessage | ServerAnswer>, ...frames: Uint8Array[]): string {
  decoder.push(Buffer.concat(frames));
  try {
    for (let message = decoder.next(); message !== undefined; message = decoder.next());
  } catch (error) {
    if (error instanceof WireError) return error.refusal.code;
    throw error;
  }
  return 'taken';
}

/** Items with the stream that they make, cut somewhere. */
export function streams<Item>(
  item: fc.Arbitrary<Item>,
  encode: (item: Item) => Uint8Array,
  places: fc.Arbitrary<number[]>,
): fc.Arbitrary<{ items: Item[]; pieces: Uint8Array[] }> {
  return fc.tuple(fc.array(item, { maxLength: 10 }), places).map(([items, cuts]) => ({
    items,
    pieces: cutAt(Buffer.concat(items.map(encode)), cuts),
  }));
}
