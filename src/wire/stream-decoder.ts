import { ByteQueue } from './byte-queue.ts';
import type { Decoder } from './dialect.ts';
import { WireError } from './refusal.ts';

/** Cuts messages from a stream that arrives in any chunking. Every dialect's decoders extend it. */
export abstract class StreamDecoder<Message> implements Decoder<Message> {
  protected readonly queue = new ByteQueue();

  get pending(): boolean {
    return this.queue.length > 0;
  }

  get bufferedBytes(): number {
    return this.queue.length;
  }

  push(chunk: Uint8Array): void {
    this.queue.push(chunk);
  }

  next(): Message | undefined {
    const message = this.decode();
    if (message === undefined) this.queue.detach();
    return message;
  }

  /** Consumes the next message; undefined, with the queue as it was, while it is incomplete. */
  protected abstract decode(): Message | undefined;

  /**
   * Consumes a frame and returns its payload, a view; undefined while the frame is incomplete. The
   * length comes from the peer and is bounded before any byte of the payload is awaited.
   *
   * @param what the frame, for the error
   * @throws WireError `payload-too-large`
   */
  protected takeFrame(
    headerBytes: number,
    length: number,
    bytesMax: number,
    what: string,
  ): Uint8Array | undefined {
    if (length > bytesMax) {
      const detail = `${what} of ${length} bytes, at most ${bytesMax} are taken`;
      throw new WireError('payload-too-large', detail);
    }
    if (this.queue.length < headerBytes + length) return undefined;
    return this.queue.take(headerBytes + length, headerBytes);
  }
}
