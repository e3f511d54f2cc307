import { ByteQueue } from './byte-queue.ts';
import { WireError } from './refusal.ts';

/**
 * The frame of the base protocol:
 *
 *     frame  = type [ u32 length, big-endian; `length` bytes of payload ]
 *     type   = 4 bytes, ASCII, padded on the right with NUL
 *
 * Whether a type has a payload, and how long that may be, is part of the type.
 */
export interface FrameType {
  readonly name: string;
  /** Longest payload in bytes; undefined when the type has none. */
  readonly payloadBytesMax?: number;
}

export interface Frame {
  readonly name: string;
  readonly payload: Uint8Array;
}

const TYPE_BYTES = 4;
/** Bytes before the payload of a frame. */
export const HEADER_BYTES = 8;
const NO_PAYLOAD = new Uint8Array(0);

/** The four bytes of a type as a number. */
function typeCode(name: string): number {
  return Buffer.from(name.padEnd(TYPE_BYTES, '\0'), 'latin1').readUInt32BE();
}

/** Cuts a stream into frames of the types that it is given. No length is believed before it is bounded. */
export class FrameDecoder {
  readonly #queue = new ByteQueue();
  readonly #types: ReadonlyMap<number, FrameType>;
  #reading: string | undefined;

  constructor(types: readonly FrameType[]) {
    this.#types = new Map(types.map(type => [typeCode(type.name), type]));
  }

  get pending(): boolean {
    return this.heldBytes > 0;
  }

  get heldBytes(): number {
    return this.#queue.length;
  }

  /** The type of the last frame that was begun, whether or not it could be read. */
  get reading(): string | undefined {
    return this.#reading;
  }

  push(chunk: Uint8Array): void {
    this.#queue.push(chunk);
  }

  /** @throws WireError `unknown-message` or `payload-too-large` */
  next(): Frame | undefined {
    const frame = this.#cut();
    if (frame === undefined) this.#queue.keep();
    return frame;
  }

  #cut(): Frame | undefined {
    const queue = this.#queue;
    if (queue.length < TYPE_BYTES) return undefined;
    const type = this.#types.get(queue.u32At(0));
    this.#reading = type?.name;
    if (type === undefined) throw new WireError('unknown-message', `type 0x${hex(queue.u32At(0))}`);
    if (type.payloadBytesMax === undefined) {
      queue.take(TYPE_BYTES);
      return { name: type.name, payload: NO_PAYLOAD };
    }
    if (queue.length < HEADER_BYTES) return undefined;
    const length = queue.u32At(TYPE_BYTES);
    if (length > type.payloadBytesMax) {
      throw new WireError(
        'payload-too-large',
        `${type.name} of ${length} bytes, at most ${type.payloadBytesMax} are taken`,
      );
    }
    if (queue.length < HEADER_BYTES + length) return undefined;
    return { name: type.name, payload: queue.take(HEADER_BYTES + length, HEADER_BYTES) };
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** A frame without payload. */
export function encodeBare(name: string): Uint8Array {
  const frame = new Uint8Array(TYPE_BYTES);
  frame.set(Buffer.from(name, 'latin1'));
  return frame;
}

/** A frame with payload. */
export function encodeFrame(name: string, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(frame, name, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Writes the eight bytes before a payload at the start of `frame`. */
export function writeHeader(frame: Uint8Array, name: string, length: number): void {
  const view = new DataView(frame.buffer, frame.byteOffset);
  view.setUint32(0, typeCode(name));
  view.setUint32(TYPE_BYTES, length);
}
