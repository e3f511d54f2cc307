import type { Socket } from 'node:net';
import { Pace } from '../wire/pace.ts';
import type { Served } from './listener.ts';
import type { SecurePeer, TlsAcceptorParts } from './tls-acceptor.ts';

const LF = 0x0a;

type EchoParts = Pick<TlsAcceptorParts, 'limits' | 'emit' | 'now'>;

/** The echo server of exercises 1 to 4: returns one line per connection, then closes. */
export class EchoConnection implements Served {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #ip: string;
  readonly #parts: EchoParts;
  readonly #pace: Pace;
  #line = Buffer.alloc(0);
  /** When the line was answered or refused, or the server stopped. */
  #closingSince: number | undefined;

  constructor(socket: Socket, ip: string, parts: EchoParts, peer?: SecurePeer) {
    this.#socket = socket;
    this.#ip = ip;
    this.#parts = parts;
    this.#pace = new Pace(parts.limits.progressBytesMin, parts.now());
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#parts.emit({ event: 'connection-closed', ip });
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
    const { firstMessageTimeoutMs, lingerTimeoutMs } = this.#parts.limits;
    const time = this.#parts.now();
    if (this.#closingSince !== undefined) {
      if (time - this.#closingSince >= lingerTimeoutMs) this.destroy();
    } else if (this.#pace.isTooSlow(time, firstMessageTimeoutMs)) {
      this.#parts.emit({ event: 'connection-cut', ip: this.#ip, reason: 'first-message-timeout' });
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
    if (this.#line.length > this.#parts.limits.echoLineBytesMax) {
      const detail = `a line of more than ${this.#parts.limits.echoLineBytesMax} bytes`;
      this.#parts.emit({
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
    this.#parts.emit({
      event: 'connection-error',
      ip: this.#ip,
      error: error.code ?? error.message,
    });
  }

  #answer(): void {
    this.#parts.emit({ event: 'echo', ip: this.#ip, text: this.#line.toString('utf8') });
    this.#close(Buffer.concat([this.#line, Buffer.of(LF)]));
  }

  /** Sends the reply and discards further input until the peer closes. */
  #close(reply: Uint8Array = Buffer.alloc(0)): void {
    this.#closingSince = this.#parts.now();
    this.#socket.end(reply);
  }
}
