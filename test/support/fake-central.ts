import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { frame } from './base-frames.ts';
import { Watched } from './watched.ts';

/** `2|30904465|30876370`, the example of the protocol page. */
export const RWIN_TWO = '5257494e 00000013 327c33303930343436357c3330383736333730';
/** `0|` */
export const RWIN_NONE = '5257494e 00000002 307c';

/** Of the resumable extension (protocol page, section 2). */
export const PING = '50494e47';

/** `next` is the number of the next bet; `refused` counts the refused ones before it. */
export const welc = (next: number, window = 32, maxPayload = 8184, refused = 0): string =>
  hexOf('WELC', next, window, maxPayload, refused);

export const fail = (...fields: readonly (string | number)[]): string => hexOf('FAIL', ...fields);

const hexOf = (type: string, ...fields: readonly (string | number)[]): string =>
  frame(type, fields.join('|')).toString('hex');

/** An agency's messages by type: the name, and whether a payload follows. */
const TYPES: Readonly<Record<string, readonly [string, boolean]>> = {
  '48454c4f': ['HELO', true],
  '53424554': ['SBET', true],
  '444f4e45': ['DONE', true],
  '57414954': ['WAIT', false],
  '41435441': ['ACTA', true],
  '44494646': ['DIFF', true],
  '434f4e4e': ['CONN', true],
  '42455400': ['BET', true],
  '4e424554': ['NBET', true],
  '454e4400': ['END', false],
  '4757494e': ['GWIN', false],
};

/** The first received message as text, and its length in bytes; undefined if it is incomplete. */
export function firstMessage(bytes: Buffer): { text: string; length: number } | undefined {
  if (bytes.length < 4) return undefined;
  const type = bytes.toString('hex', 0, 4);
  const [name, hasPayload] = TYPES[type] ?? [`unknown ${type}`, false];
  if (!hasPayload) return { text: name, length: 4 };
  if (bytes.length < 8) return undefined;
  const length = 8 + bytes.readUInt32BE(4);
  return bytes.length < length
    ? undefined
    : { text: `${name} ${bytes.toString('utf8', 8, length)}`, length };
}

/** A scripted central on a real socket. It shares no code with the product. */
export class FakeCentral {
  /** Every connection so far, in order. */
  readonly conversations: Conversation[] = [];
  readonly #server: Server;
  readonly #watched = new Watched();
  #taken = 0;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      this.conversations.push(new Conversation(socket));
      this.#watched.notify();
    });
  }

  /** Listens on a loopback port (0: any free one) until the test ends. */
  static async listen(port = 0): Promise<FakeCentral> {
    const central = new FakeCentral();
    await new Promise<void>((resolve, reject) => {
      central.#server.once('error', reject);
      central.#server.listen({ host: '127.0.0.1', port }, resolve);
    });
    onTestFinished(() => central.close());
    return central;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Waits for the next connection. */
  async accept(): Promise<Conversation> {
    const index = this.#taken++;
    return this.#watched.until(
      () => this.conversations[index],
      () => `no connection number ${index + 1}`,
    );
  }

  async close(): Promise<void> {
    for (const { socket } of this.conversations) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise(resolve => this.#server.close(resolve));
  }
}

/** A connection of an agency. */
export class Conversation {
  readonly socket: Socket;
  /** Received messages that no call has returned yet. */
  readonly waiting: string[] = [];
  /** All received chunks. */
  readonly chunks: Buffer[] = [];
  readonly #watched = new Watched();
  #bytes: Buffer = Buffer.alloc(0);
  #received = 0;
  #ended = false;
  #closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', chunk => {
      this.chunks.push(chunk);
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#cut();
      this.#watched.notify();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#watched.notify();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#closed = true;
      this.#watched.notify();
    });
    socket.on('error', () => {});
  }

  /** Number of received messages. */
  get received(): number {
    return this.#received;
  }

  /** Waits for the next messages, as text of name and payload: `CONN 1`, `END`. */
  async messages(count: number): Promise<string[]> {
    await this.#watched.until(
      () => this.waiting.length >= count,
      () =>
        `only ${JSON.stringify(this.waiting)}${this.#ended ? ' and the end' : ''}, not ${count} messages`,
    );
    return this.waiting.splice(0, count);
  }

  async message(): Promise<string> {
    const [message] = await this.messages(1);
    return message!;
  }

  /** Sends bytes, given as hex with optional spaces. */
  say(hex: string): void {
    this.socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  }

  /** Waits for the end of the agency's stream. @returns the remaining messages */
  async end(): Promise<string[]> {
    await this.#watched.until(
      () => this.#ended,
      () => 'the agency did not end the connection',
    );
    return this.waiting;
  }

  /** Half-closes, as a stopping central does. Fulfilled when the agency has closed its side too. */
  async hangUp(): Promise<void> {
    this.socket.end();
    await this.#watched.until(
      () => this.#closed,
      () => 'the connection was not closed',
    );
  }

  /** Resets the connection, as a killed central does. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  #cut(): void {
    for (
      let first = firstMessage(this.#bytes);
      first !== undefined;
      first = firstMessage(this.#bytes)
    ) {
      this.waiting.push(first.text);
      this.#bytes = this.#bytes.subarray(first.length);
      this.#received += 1;
    }
  }
}
