import { ByteQueue } from './byte-queue.ts';
import type { Decoder } from './dialect.ts';

/** What the decoders have in common that cut their messages from a queue by themselves. */
export abstract class QueueDecoder<Message> implements Decoder<Message> {
  protected readonly queue = new ByteQueue();

  get pending(): boolean {
    return this.queue.length > 0;
  }

  get heldBytes(): number {
    return this.queue.length;
  }

  push(chunk: Uint8Array): void {
    this.queue.push(chunk);
  }

  next(): Message | undefined {
    const message = this.cut();
    if (message === undefined) this.queue.keep();
    return message;
  }

  /** Takes the next complete message from the queue; undefined, and what is not complete left there, when there is none. */
  protected abstract cut(): Message | undefined;
}
