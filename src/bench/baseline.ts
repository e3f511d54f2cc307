/**
 * The baseline of measurements: a program that only receives, counts messages, writes, syncs and
 * answers, with group commit as in our server. It checks no bet and writes no journal.
 *
 *     node baseline.js PORT [FILE]
 *
 * Without a file it answers at once: the limit of the load generator.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { FrameCounter } from './frame-counter.ts';

/** Reading pauses while more bytes wait for the disk. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;

/** IOV_MAX of Linux. */
const BUFFERS_PER_WRITE = 1024;

const OK_BYTES = 4;
/** Longest write of answers. */
const OKS = Buffer.from('OK\0\0'.repeat(4096), 'latin1');

/** Becomes durable with one sync. */
class Group {
  readonly chunks: Buffer[] = [];
  bytes = 0;
  /** Number of answers per connection. */
  readonly answers = new Map<Socket, number>();

  add(socket: Socket, chunk: Buffer, answers: number): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    this.answers.set(socket, (this.answers.get(socket) ?? 0) + answers);
  }
}

class GroupWriter {
  readonly #file: FileHandle;
  #next = new Group();
  #writing = false;
  readonly #paused = new Set<Socket>();

  constructor(file: FileHandle) {
    this.#file = file;
  }

  add(socket: Socket, chunk: Buffer, answers: number): void {
    this.#next.add(socket, chunk, answers);
    if (this.#next.bytes > WAITING_BYTES_MAX) {
      socket.pause();
      this.#paused.add(socket);
    }
    // A write error ends this program.
    if (!this.#writing) void this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#next.bytes > 0) {
      const group = this.#next;
      this.#next = new Group();
      for (const socket of this.#paused) socket.resume();
      this.#paused.clear();
      for (let from = 0; from < group.chunks.length; from += BUFFERS_PER_WRITE) {
        await this.#writeAll(group.chunks.slice(from, from + BUFFERS_PER_WRITE));
      }
      await this.#file.datasync();
      for (const [socket, answers] of group.answers) answer(socket, answers);
    }
    this.#writing = false;
  }

  async #writeAll(chunks: readonly Buffer[]): Promise<void> {
    const wanted = chunks.reduce((sum, { length }) => sum + length, 0);
    const { bytesWritten } = await this.#file.writev(chunks);
    if (bytesWritten !== wanted) throw new Error(`${bytesWritten} of ${wanted} bytes were written`);
  }
}

function answer(socket: Socket, answers: number): void {
  for (let left = answers * OK_BYTES; left > 0; left -= OKS.length) {
    socket.write(left < OKS.length ? OKS.subarray(0, left) : OKS);
  }
}

// It ends with the process that has started it.
process.once('disconnect', () => process.kill(process.pid));

const [port, path] = process.argv.slice(2);
const writer = path === undefined ? undefined : new GroupWriter(await open(path, 'a'));

const listener = createServer({ noDelay: true }, socket => {
  const frames = new FrameCounter();
  socket.on('data', chunk => {
    const answers = frames.count(chunk);
    if (writer === undefined) answer(socket, answers);
    else writer.add(socket, chunk, answers);
  });
  socket.on('error', () => socket.destroy());
});
listener.listen({ port: Number(port), host: '127.0.0.1', backlog: 511 });
