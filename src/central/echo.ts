import type { Socket } from 'node:net';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { Limits } from '../wire/limits.ts';
import { Pace } from '../wire/pace.ts';
import type { Served } from './listener.ts';
import type { SecurePeer } from './tls-acceptor.ts';

const LF = 0x0a;

/** The echo server of exercises 1 to 4: returns one line per connection, then closes. */
export class EchoConnection implements Served {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #ip: string;
  readonly #limits: Limits;
  readonly #emit: Emit<CentralEvent>;
  readonly #now: () => number;
  readonly #pace: Pace;
  #line = Buffer.alloc(0);
  /** When the line was answered or refused, or the server stopped. */
  #closingSince: number | undefined;

  constructor(
    socket: Socket,
    ip: string,
    parts: { limits: Limits; emit: Emit<CentralEvent>; now: () => number },
    peer?: SecurePeer,
  ) {
    this.#socket = socket;
    this.#ip = ip;
    this.#limits = parts.limits;
    this.#emit = parts.emit;
    this.#now = parts.now;
    this.#pace = new Pace(parts.limits.progressBytesMin, parts.now());
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#emit({ event: 'connection-closed', ip });
        resolve();
      });
    });
    socket.on('data', chunk => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', error => this.#onError(error));
    // The echo protocol has no refusal.
    if (peer?.certificate !== undefined && 'refusal' in peer.certificate) this.#close();
  }

  get bufferedBytes(): number {
    return this.#socket.readableLength + this.#socket.writableLength;
  }

  cutForMemory(): void {
    this.destroy();
  }

  checkDeadlines(): void {
    const { firstMessageTimeoutMs, lingerTimeoutMs } = this.#limits;
    const time = this.#now();
    if (this.#closingSince !== undefined) {
      if (time - this.#closingSince >= lingerTimeoutMs) this.destroy();
    } else if (this.#pace.isTooSlow(time, firstMessageTimeoutMs)) {
      this.#emit({ event: 'connection-cut', ip: this.#ip, reason: 'first-message-timeout' });
      this.destroy();
    }
  }

  stop(): void {
    if (this.#closingSince === undefined) this.#close();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.#closingSince !== undefined) return;
    this.#pace.moved(chunk.length);
    const lineEnd = chunk.indexOf(LF);
    this.#line = Buffer.concat([this.#line, lineEnd < 0 ? chunk : chunk.subarray(0, lineEnd)]);
    if (this.#line.length > this.#limits.echoLineBytesMax) {
      const detail = `a line of more than ${this.#limits.echoLineBytesMax} bytes`;
      this.#emit({
        event: 'message-refused',
        ip: this.#ip,
        refusal: { code: 'payload-too-large', detail },
      });
      this.#close();
    } else if (lineEnd >= 0) {
      this.#answer();
    }
  }

  /** End of input completes a line without a line end. */
  #onEnd(): void {
    if (this.#closingSince !== undefined) return;
    if (this.#line.length > 0) this.#answer();
    else this.#close();
  }

  /** A reset matters only during a line. */
  #onError(error: NodeJS.ErrnoException): void {
    if (this.#closingSince !== undefined || this.#line.length === 0) return;
    this.#emit({ event: 'connection-error', ip: this.#ip, error: error.code ?? error.message });
  }

  #answer(): void {
    this.#emit({ event: 'echo', ip: this.#ip, text: this.#line.toString('utf8') });
    this.#close(Buffer.concat([this.#line, Buffer.of(LF)]));
  }

  /** Sends the reply and discards further input until the peer closes. */
  #close(reply: Uint8Array = Buffer.alloc(0)): void {
    this.#closingSince = this.#now();
    this.#socket.end(reply);
  }
}
