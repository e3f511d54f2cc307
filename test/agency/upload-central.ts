import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { fail, firstMessage, NOK, OK, rwin, welc } from '../support/fake-central.ts';

/** After how many bytes a connection is cut, on which side of the agency's conversation, and how. */
export interface Cut {
  readonly side: 'heard' | 'said';
  readonly bytes: number;
  readonly how: 'end' | 'reset';
}

interface Upload {
  next: number;
  batches: number;
  bets: number;
  /** Whether the agency counts as the central does, as far as is known. */
  done: boolean;
  /** The answer of every batch, for those that come again. */
  readonly answers: string[];
}

interface Plan {
  /** Which connections are cut, by their number from 0. */
  readonly cuts?: readonly (Cut | undefined)[];
  /** Numbers of batches that are not valid. */
  readonly refusedBatches?: readonly number[];
  readonly window?: number;
  /** How many servers it has. */
  readonly servers?: number;
  /** By how many batches a connection's server is behind when it greets, by its number from 0. */
  readonly behind?: readonly number[];
}

/**
 * A central on real sockets that keeps the uploads of one agency as the protocol page has it, in memory, knows none of our
 * code, and loses connections as it is told to. What it has heard before the cut counts: a batch may be stored and its
 * answer lost.
 */
export class UploadCentral {
  /** The bets stored, each as it stood in its message. */
  readonly rows: string[] = [];
  readonly uploads = new Map<string, Upload>();
  connections = 0;
  /** Connections that were cut. */
  cut = 0;
  finished = 0;
  /** What an agency must not say. */
  readonly faults: string[] = [];
  readonly #servers: Server[] = [];
  readonly #plan: Plan;
  readonly #sockets = new Set<Socket>();

  private constructor(plan: Plan) {
    this.#plan = plan;
  }

  static async listen(plan: Plan = {}): Promise<UploadCentral> {
    const central = new UploadCentral(plan);
    while (central.#servers.length < (plan.servers ?? 1)) await central.#listen();
    onTestFinished(() => central.close());
    return central;
  }

  get ports(): number[] {
    return this.#servers.map(server => (server.address() as AddressInfo).port);
  }

  async #listen(): Promise<void> {
    const server = createServer({ noDelay: true }, socket => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      this.#serve(socket, this.connections++);
    });
    this.#servers.push(server);
    await new Promise<void>(resolve => server.listen({ host: '127.0.0.1', port: 0 }, () => resolve()));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers)
      if (server.listening) await new Promise(resolve => server.close(resolve));
  }

  #serve(socket: Socket, connection: number): void {
    const cut = this.#plan.cuts?.[connection];
    let heard = 0;
    let said = 0;
    let gone = false;
    let bytes: Buffer = Buffer.alloc(0);
    const cutNow = (): void => {
      if (gone) return;
      gone = true;
      this.cut += 1;
      if (cut!.how === 'reset') socket.resetAndDestroy();
      else socket.destroySoon();
    };
    const say = (hex: string): void => {
      // What was heard before the cut counts, and its answer is lost.
      if (gone) return;
      const answer = Buffer.from(hex, 'hex');
      const room = cut?.side === 'said' ? cut.bytes - said : answer.length;
      socket.write(answer.subarray(0, room));
      said += answer.length;
      if (room < answer.length) cutNow();
    };
    const answer = this.#conversation(this.#plan.behind?.[connection] ?? 0);
    socket.on('data', chunk => {
      if (gone) return;
      const room = cut?.side === 'heard' ? cut.bytes - heard : chunk.length;
      heard += chunk.length;
      bytes = Buffer.concat([bytes, chunk.subarray(0, room)]);
      for (let first = firstMessage(bytes); first !== undefined; first = firstMessage(bytes)) {
        bytes = bytes.subarray(first.length);
        say(answer(first.text));
      }
      if (room < chunk.length) cutNow();
    });
  }

  /** The answers of one connection. */
  #conversation(behind: number): (message: string) => string {
    let upload: Upload | undefined;
    return message => {
      const [type, text = ''] = message.split(/ (.*)/s);
      if (type === 'HELO') {
        upload = this.#uploadOf(text.split('|')[1]!);
        return welc(Math.max(1, upload.next - behind), this.#plan.window);
      }
      if (upload === undefined) return this.#fault(message);
      if (type === 'SBET') return this.#store(upload, text);
      if (type === 'DONE') {
        const right = text === `${upload.batches}|${upload.bets}`;
        upload.done ||= right;
        return right
          ? OK
          : fail('count-mismatch', 1, `${upload.batches} batches and ${upload.bets} bets are stored`);
      }
      if (type === 'END' && upload.done) {
        this.finished += 1;
        return OK;
      }
      return type === 'WAIT' && this.finished > 0 ? rwin('11', '12') : this.#fault(message);
    };
  }

  #fault(message: string): string {
    this.faults.push(message);
    return NOK;
  }

  #uploadOf(name: string): Upload {
    const upload = this.uploads.get(name) ?? { next: 1, batches: 0, bets: 0, done: false, answers: [] };
    this.uploads.set(name, upload);
    return upload;
  }

  #store(upload: Upload, text: string): string {
    const [seqText, countText, ...fields] = text.split('|');
    const [seq, count] = [Number(seqText), Number(countText)];
    if (fields.length !== count * 5) return this.#fault(text);
    // Only a repeat may come behind the end, of an agency that was told by a server that is behind to send it again.
    if (this.finished > 0 && (seq >= upload.next || this.#plan.behind === undefined))
      return this.#fault(text);
    if (seq > upload.next) return this.#fault(`a gap: ${seq} for ${upload.next}`);
    if (seq === upload.next) {
      upload.next += 1;
      if (this.#plan.refusedBatches?.includes(seq)) {
        upload.answers.push(fail('invalid-bet', 0, seq, 0, 'document', 'not-digits'));
      } else {
        for (let index = 0; index < count; index += 1)
          this.rows.push(fields.slice(index * 5, index * 5 + 5).join('|'));
        upload.batches += 1;
        upload.bets += count;
        upload.answers.push(OK);
      }
    }
    return upload.answers[seq - 1]!;
  }
}
