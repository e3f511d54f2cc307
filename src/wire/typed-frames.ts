import { StreamDecoder } from './stream-decoder.ts';
import { WireError } from './refusal.ts';

/**
 * The frame of the base protocol:
 *
 *     frame  = type [ u32 length, big-endian; `length` bytes of payload ]
 *     type   = 4 bytes, ASCII, padded on the right with NUL
 *
 * Whether a type has a payload, and how long that may be, is part of the type.
 */
export interface FrameType<Message> {
  /** Longest payload in bytes; undefined when the type has none. */
  readonly bytesMax?: number;
  /** @throws WireError `malformed` */
  readonly decode: (payload: Uint8Array) => Message;
}

/** What one side may send: each type under its name. */
export type FrameTypes<Message> = Readonly<Record<string, FrameType<Message>>>;

const TYPE_BYTES = 4;
/** Bytes before the payload of a frame. */
export const HEADER_BYTES = 8;
const NO_PAYLOAD = new Uint8Array(0);

function typeBytes(name: string): Buffer {
  return Buffer.from(name.padEnd(TYPE_BYTES, '\0'), 'latin1');
}

/** Decodes a stream of frames. */
export class TypedFrameDecoder<Message> extends StreamDecoder<Message> {
  /** By the four bytes of the type as a number. */
  readonly #types: ReadonlyMap<number, FrameType<Message> & { readonly name: string }>;
  /** Name of the last type that began, also when the frame could not be decoded. */
  protected lastType: string | undefined;

  constructor(types: FrameTypes<Message>) {
    super();
    const entries = Object.entries(types);
    this.#types = new Map(
      entries.map(([name, type]) => [typeBytes(name).readUInt32BE(), { name, ...type }]),
    );
  }

  /**
   * @throws WireError `unknown-message`, `payload-too-large`, or what the type's `decode` throws
   */
  protected override decode(): Message | undefined {
    const { queue } = this;
    if (queue.length < TYPE_BYTES) return undefined;
    const code = queue.u32At(0);
    const type = this.#types.get(code);
    this.lastType = type?.name;
    if (type === undefined) {
      throw new WireError('unknown-message', `type 0x${code.toString(16).padStart(8, '0')}`);
    }
    if (type.bytesMax === undefined) {
      queue.take(TYPE_BYTES);
      return type.decode(NO_PAYLOAD);
    }
    if (queue.length < HEADER_BYTES) return undefined;
    const payload = this.takeFrame(HEADER_BYTES, queue.u32At(TYPE_BYTES), type.bytesMax, type.name);
    return payload && type.decode(payload);
  }
}

/** A frame without payload. */
export function encodeBare(name: string): Uint8Array {
  return Uint8Array.from(typeBytes(name));
}

/** A frame with payload, as UTF-8. */
export function encodeFrame(name: string, payload: string): Uint8Array {
  const bytes = Buffer.from(payload);
  const frame = new Uint8Array(HEADER_BYTES + bytes.length);
  writeHeader(frame, name);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/** Writes the type and the length of the payload into the first bytes of a frame. */
export function writeHeader(frame: Uint8Array, name: string): void {
  frame.set(typeBytes(name));
  const view = new DataView(frame.buffer, frame.byteOffset);
  view.setUint32(TYPE_BYTES, frame.length - HEADER_BYTES);
}
