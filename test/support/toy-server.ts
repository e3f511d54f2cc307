import { createServer, type Socket } from 'node:net';
import type { CentralCodec, Dialect } from '../../src/wire/dialect.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import type { ClientMessage, ServerMessage } from '../../src/wire/message.ts';
import { listen } from './listen.ts';

/** Behaviour of other solutions of the assignment. */
export interface Quirks {
  /** Serves one connection at a time, as exercise 7 allows. */
  readonly sequential?: boolean;
  /** Closes the connection after each answer. */
  readonly closesAfterAnswer?: boolean;
  /** Treats the result of one read as one message. */
  readonly messagePerRead?: boolean;
  /** Loses the connection after the first `END`, and refuses the second one. */
  readonly countsEndOnce?: boolean;
}

/** A simple central: bets in memory, immediate answers, one lottery. */
export class ToyServer {
  /** Bets by agency. */
  readonly bets = new Map<number, number>();
  readonly finished = new Set<number>();
  connections = 0;
  readonly #dialect: Dialect;
  readonly #agencies: number;
  readonly #quirks: Quirks;
  #port = 0;
  readonly #backlog: Socket[] = [];
  readonly #waiting: (() => void)[] = [];
  #serving: Socket | undefined;

  private constructor(dialect: Dialect, agencies: number, quirks: Quirks) {
    this.#dialect = dialect;
    this.#agencies = agencies;
    this.#quirks = quirks;
  }

  static async listen(dialect: Dialect, agencies: number, quirks: Quirks): Promise<ToyServer> {
    const toy = new ToyServer(dialect, agencies, quirks);
    const server = createServer({ pauseOnConnect: true, noDelay: true }, socket =>
      toy.#accept(socket),
    );
    toy.#port = await listen(server);
    return toy;
  }

  get port(): number {
    return this.#port;
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#serving !== socket) return;
      this.#serving = undefined;
      this.#serveNext();
    });
    this.#backlog.push(socket);
    this.#serveNext();
  }

  #serveNext(): void {
    if (this.#quirks.sequential && this.#serving !== undefined) return;
    const socket = this.#backlog.shift();
    if (socket === undefined) return;
    this.#serving = socket;
    this.#serve(socket);
  }

  #serve(socket: Socket): void {
    let codec = this.#dialect.central(DEFAULT_LIMITS);
    let agency = 0;
    socket.on('data', chunk => {
      codec.push(chunk);
      for (let message = codec.next(); message !== undefined; message = codec.next()) {
        if ('agency' in message && message.agency !== undefined) agency = message.agency;
        if (this.#answer(socket, codec, agency, message)) return;
        // One frame may both finish the bets and ask for the winners.
        if (this.#quirks.messagePerRead && message.kind !== 'finish') break;
      }
      if (this.#quirks.messagePerRead && codec.pending)
        codec = this.#dialect.central(DEFAULT_LIMITS);
    });
    socket.resume();
  }

  /** Whether it was the last message of the connection. */
  #answer(socket: Socket, codec: CentralCodec, agency: number, message: ClientMessage): boolean {
    const reply = this.#replyTo(socket, codec, agency, message);
    if (reply === 'lost') {
      socket.destroy();
      return true;
    }
    const frames = reply === undefined ? [] : codec.encode(reply, message.kind);
    for (const frame of frames) socket.write(frame);
    const isLast = frames.length > 0 && this.#quirks.closesAfterAnswer === true;
    if (isLast) socket.end();
    return isLast;
  }

  #replyTo(
    socket: Socket,
    codec: CentralCodec,
    agency: number,
    message: ClientMessage,
  ): ServerMessage | 'lost' | undefined {
    switch (message.kind) {
      case 'batch': {
        const { count } = codec.readBets(message, agency);
        this.bets.set(agency, (this.bets.get(agency) ?? 0) + count);
        return { kind: 'accepted', bets: count };
      }
      case 'finish':
        return this.#finish(agency);
      case 'ask-winners':
        return this.#isOver ? this.#winners(agency) : { kind: 'not-drawn' };
      case 'await-winners': {
        const send = (): void => {
          for (const frame of codec.encode(this.#winners(agency))) socket.write(frame);
        };
        if (this.#isOver) send();
        else this.#waiting.push(send);
        return undefined;
      }
      default:
        return undefined;
    }
  }

  #finish(agency: number): ServerMessage | 'lost' {
    const isRepeated = this.finished.has(agency);
    this.finished.add(agency);
    if (this.#isOver) for (const send of this.#waiting.splice(0)) send();
    if (!this.#quirks.countsEndOnce) return { kind: 'accepted' };
    return isRepeated
      ? { kind: 'refused', refusal: { code: 'agency-finished', detail: 'no' } }
      : 'lost';
  }

  get #isOver(): boolean {
    return this.finished.size === this.#agencies;
  }

  #winners(agency: number): ServerMessage {
    return { kind: 'winners', documents: [String(30_000_000 + agency)] };
  }
}
