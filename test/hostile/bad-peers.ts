import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { SeededRandom } from '../../src/dataset/random.ts';
import { frame } from '../support/base-frames.ts';

const HOST = '127.0.0.1';

/** A socket that ignores its errors and discards what it receives. */
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

/** Peers that disturb, until they leave. */
export interface Disturbance {
  /** Fulfilled when every peer that is there now has connected. */
  settled(): Promise<void>;
  leave(): Promise<void>;
}

/** Peers that never read an answer, as a process of their own (`never_reading.py`). */
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

/**
 * Comes in bad company: `count` peers at a time that do one thing, each replaced by another when it
 * is gone.
 */
export class BadCompany implements Disturbance {
  /** How many have come in all. */
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

  /** Fulfilled when every peer that is there now has connected. */
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
      // Not at once: a peer that is refused at its first byte would come a hundred thousand times a
      // second.
      if (!this.#over) setTimeout(() => !this.#over && this.#add(), 20).unref();
    });
  }
}

/** What a bad peer does with its connection; `onGone` is for what must end with it. */
export type Behaviour = (socket: Socket, nth: number, onGone: (stop: () => void) => void) => void;

/**
 * Writes something again and again, as fast as it is taken. Made beforehand: to be a nuisance must
 * not cost more than the nuisance, on the machine that both share.
 */
function writeForEver(socket: Socket, bytes: Buffer): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', write);
  write();
}

export const idle: Behaviour = () => {};

/** One byte of a valid conversation a second. */
export const oneByteASecond: Behaviour = (socket, _, onGone) => {
  const bytes = Buffer.concat([frame('CONN', '50'), frame('NBET', `1|${BET}`)]);
  let at = 0;
  const timer = setInterval(() => {
    socket.write(bytes.subarray(at, at + 1));
    at = (at + 1) % bytes.length;
  }, 1000);
  onGone(() => clearInterval(timer));
};

/** Announces four gigabytes and sends as many of them as it can. */
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

/** Valid frames that are refused, on one connection after the other. */
export const refused: Behaviour = socket => {
  socket.write(frame('CONN', '50'));
  writeForEver(
    socket,
    manyTimes(1000, () => frame('NBET', `1|${INVALID}`)),
  );
};

/** Batches of an upload that are refused without end on the same connection. */
export const refusedForEver: Behaviour = (socket, nth) => {
  socket.write(frame('HELO', `${50 + (nth % 40)}|hostile-${nth}`));
  // More than the central lets one upload have.
  socket.write(manyTimes(11_000, index => frame('SBET', `${index + 1}|1|${INVALID}`)));
};

/** Sends a truncated message and half-closes the connection. */
export const halfClosing: Behaviour = (socket, nth) => {
  socket.write(frame('CONN', String(50 + (nth % 40))));
  socket.end(frame('NBET', `1|${BET}`).subarray(0, nth % 60));
};
