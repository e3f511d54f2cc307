import type { Socket } from 'node:net';
import { expect } from 'vitest';
import { conn } from './base-frames.ts';
import { connectRaw } from './raw-socket.ts';
import { Watched } from './watched.ts';

/** Types of answers with a length and a payload. */
const WITH_PAYLOAD = new Set(['ACTA', 'RWIN', 'WELC', 'FAIL']);

/** A scripted peer on a real socket. It shares no code with the product. */
export class Peer {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  /** Whether the other side has ended or reset the connection. */
  ended = false;
  readonly #watched = new Watched();

  /** Wraps an existing connection. */
  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', chunk => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#watched.notify();
    });
    for (const event of ['end', 'close'] as const) {
      socket.on(event, () => {
        this.ended = true;
        this.#watched.notify();
      });
    }
    socket.on('error', () => {});
  }

  /** Connects to a loopback port. The end of the test destroys the socket. */
  static async connect(port: number): Promise<Peer> {
    return new Peer(await connectRaw(port));
  }

  /** Sends bytes, given as such or as hex with optional spaces. */
  send(bytes: Uint8Array | string): void {
    this.socket.write(
      typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(' ', ''), 'hex') : bytes,
    );
  }

  /** Half-closes; the other side may still answer. */
  end(): void {
    this.socket.end();
  }

  /** Waits for the next `length` bytes, as hex. */
  async receive(length: number): Promise<string> {
    await this.#watched.until(
      () => this.#received.length >= length || this.ended,
      () => `only ${this.#received.toString('hex')}, not ${length} bytes`,
    );
    if (this.#received.length < length) {
      throw new Error(
        `the connection ended after ${this.#received.toString('hex')}, ${length} bytes were expected`,
      );
    }
    const bytes = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return bytes.toString('hex');
  }

  /** Waits for the next answer, as text: its type, and after a space its payload, if any. */
  async frame(): Promise<string> {
    const type = Buffer.from(await this.receive(4), 'hex')
      .toString('latin1')
      .replaceAll('\0', '');
    if (!WITH_PAYLOAD.has(type)) return type;
    const length = Number.parseInt(await this.receive(4), 16);
    return `${type} ${Buffer.from(await this.receive(length), 'hex').toString('utf8')}`;
  }

  /** Waits for the next `count` answers. */
  async frames(count: number): Promise<string[]> {
    const frames: string[] = [];
    while (frames.length < count) frames.push(await this.frame());
    return frames;
  }

  /** Sends messages and waits for as many answers. */
  ask(...messages: readonly Uint8Array[]): Promise<string[]> {
    this.send(Buffer.concat(messages));
    return this.frames(messages.length);
  }

  /** Waits for the end of the stream. @returns the remaining answers */
  async lastFrames(): Promise<string[]> {
    await this.rest();
    const frames: string[] = [];
    while (this.#received.length > 0) frames.push(await this.frame());
    return frames;
  }

  /** Waits for the end of the stream. @returns the remaining bytes, as hex */
  async rest(): Promise<string> {
    await this.#watched.until(
      () => this.ended,
      () => `no end of the connection after ${this.#received.toString('hex')}`,
    );
    return this.#received.toString('hex');
  }
}

/** Sends an agency's messages over a new connection, and expects an answer to each. */
export async function say(
  port: number,
  agency: number,
  words: readonly [Uint8Array, string][],
): Promise<Peer> {
  const peer = await Peer.connect(port);
  peer.send(conn(agency));
  for (const [says, hears] of words) {
    peer.send(says);
    expect(await peer.receive(hears.length / 2)).toBe(hears);
  }
  return peer;
}
