import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { SeededRandom } from '../../src/dataset/random.ts';
import { frame } from '../support/base-frames.ts';

const HOST = '127.0.0.1';

/** A socket that ignores errors and discards input. */
function comeTo(port: number, then: (socket: Socket) => void): Socket {
  const socket = connect({ port, host: HOST, allowHalfOpen: true }, () => then(socket));
  socket.on('error', () => {});
  socket.resume();
  return socket;
}

const BET = 'Santiago Lionel|Lorca|30904465|1999-03-17|7574';
const INVALID = BET.replace('1999', '0000');

const manyTimes = (times: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: times }, (_, index) => make(index)));

/** Hostile peers, until they are closed. */
export interface Disturbance {
  /** Fulfilled when all current peers have connected. */
  settled(): Promise<void>;
  leave(): Promise<void>;
}

/** Peers that never read an answer, in another process (`never_reading.py`). */
export class NeverReading implements Disturbance {
  readonly #process: ChildProcess;
  readonly #connected: Promise<unknown>;

  constructor(port: number, count: number) {
    const script = join(import.meta.dirname, 'never_reading.py');
    this.#process = spawn('python3', [script, String(port), String(count)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#connected = once(this.#process.stdout!, 'data');
  }

  async settled(): Promise<void> {
    await this.#connected;
  }

  async leave(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}

/** `count` concurrent peers with one behaviour. A closed peer is replaced by another. */
export class BadCompany implements Disturbance {
  /** Total number of peers. */
  came = 0;
  readonly #port: number;
  readonly #behave: Behaviour;
  readonly #sockets = new Set<Socket>();
  #over = false;

  constructor(port: number, count: number, behave: Behaviour) {
    this.#port = port;
    this.#behave = behave;
    for (let index = 0; index < count; index += 1) this.#add();
  }

  /** Fulfilled when all current peers have connected. */
  async settled(): Promise<void> {
    const connecting = [...this.#sockets].filter(socket => socket.connecting);
    await Promise.all(
      connecting.map(socket => new Promise(resolve => socket.once('connect', resolve))),
    );
  }

  /** Closes every peer. */
  async leave(): Promise<void> {
    this.#over = true;
    const gone = [...this.#sockets].map(
      socket => new Promise(resolve => socket.once('close', resolve)),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(gone);
  }

  #add(): void {
    this.came += 1;
    const stops: (() => void)[] = [];
    const socket = comeTo(this.#port, joined =>
      this.#behave(joined, this.came, stop => stops.push(stop)),
    );
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      for (const stop of stops) stop();
      // Not at once: a peer that is refused at its first byte would reconnect a hundred thousand
      // times a second.
      if (!this.#over) setTimeout(() => !this.#over && this.#add(), 20).unref();
    });
  }
}

/** The behaviour of a hostile peer; `onGone` registers cleanup. */
export type Behaviour = (socket: Socket, nth: number, onGone: (stop: () => void) => void) => void;

/**
 * Writes the same bytes repeatedly, as fast as possible. They are encoded in advance, because
 * client and server share the machine.
 */
function writeForEver(socket: Socket, bytes: Buffer): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', write);
  write();
}

export const idle: Behaviour = () => {};

/** Sends one byte of a valid conversation per second. */
export const oneByteASecond: Behaviour = (socket, _, onGone) => {
  const bytes = Buffer.concat([frame('CONN', '50'), frame('NBET', `1|${BET}`)]);
  let at = 0;
  const timer = setInterval(() => {
    socket.write(bytes.subarray(at, at + 1));
    at = (at + 1) % bytes.length;
  }, 1000);
  onGone(() => clearInterval(timer));
};

/** Announces four gigabytes and sends as much as it can. */
export const fourGigabytes: Behaviour = socket => {
  socket.write(frame('CONN', '50'));
  socket.write(Buffer.from('4e424554ffffffff', 'hex'));
  const chunk = Buffer.alloc(64 * 1024, 0x41);
  writeForEver(socket, chunk);
};

export const randomBytes: Behaviour = (socket, nth) => {
  const random = new SeededRandom(nth);
  writeForEver(
    socket,
    Buffer.from(Array.from({ length: 16 * 1024 }, () => random.between(0, 255))),
  );
};

/** Sends valid frames that are refused, each on a new connection. */
export const refused: Behaviour = socket => {
  socket.write(frame('CONN', '50'));
  writeForEver(
    socket,
    manyTimes(1000, () => frame('NBET', `1|${INVALID}`)),
  );
};

/** Sends refused batches of an upload endlessly on one connection. */
export const refusedForEver: Behaviour = (socket, nth) => {
  socket.write(frame('HELO', `${50 + (nth % 40)}|hostile-${nth}`));
  // Exceeds the central's limit of refused batches.
  socket.write(manyTimes(11_000, index => frame('SBET', `${index + 1}|1|${INVALID}`)));
};

/** Sends a truncated message and half-closes the connection. */
export const halfClosing: Behaviour = (socket, nth) => {
  socket.write(frame('CONN', String(50 + (nth % 40))));
  socket.end(frame('NBET', `1|${BET}`).subarray(0, nth % 60));
};
