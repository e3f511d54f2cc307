import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { NOK, OK, rwin } from '../support/base-frames.ts';
import { fail, firstMessage, welc } from '../support/fake-central.ts';

/**
 * After how many bytes a connection is cut, on which side of the agency's conversation, and how.
 */
export interface Cut {
  readonly side: 'heard' | 'said';
  readonly bytes: number;
  readonly how: 'end' | 'reset';
}

interface Upload {
  /** Whether the agency counts as the central does, as far as is known. */
  done: boolean;
  readonly batches: { readonly count: number; readonly refused: boolean }[];
}

/** Bets of batches: all, and those that were refused. */
function countsOf(batches: Upload['batches']): { all: number; refused: number } {
  const sum = (of: Upload['batches']): number => of.reduce((total, { count }) => total + count, 0);
  return { all: sum(batches), refused: sum(batches.filter(({ refused }) => refused)) };
}

interface Plan {
  /** Which connections are cut, by their number from 0. */
  readonly cuts?: readonly (Cut | undefined)[];
  /** Numbers of the first bets of batches that are not valid. */
  readonly refusedBatches?: readonly number[];
  readonly window?: number;
  /** How many servers it has. */
  readonly servers?: number;
  /** By how many batches a connection's server is behind when it greets, by its number from 0. */
  readonly behind?: readonly number[];
}

/**
 * A central on real sockets that keeps the uploads of one agency as the protocol page has it, in
 * memory, knows none of our code, and loses connections as it is told to. What it has heard before
 * the cut counts: a batch may be stored and its answer lost.
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
    await new Promise<void>(resolve =>
      server.listen({ host: '127.0.0.1', port: 0 }, () => resolve()),
    );
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
    let refused = false;
    return message => {
      // The central has closed: what came behind a refusal is not read.
      if (refused) return '';
      const [type, text = ''] = message.split(/ (.*)/s);
      if (type === 'HELO') {
        const [, name, counted] = text.split('|');
        if (counted !== 'bets') return this.#fault(message);
        upload = this.#uploadOf(name!);
        const known = countsOf(
          upload.batches.slice(0, Math.max(0, upload.batches.length - behind)),
        );
        return welc(known.all + 1, this.#plan.window, undefined, known.refused);
      }
      if (upload === undefined) return this.#fault(message);
      if (type === 'SBET') {
        const answer = this.#store(upload, text);
        refused = answer === undefined;
        return answer ?? fail('sequence-gap', 1, `not ${text.split('|')[0]}`);
      }
      if (type === 'DONE') {
        const counts = countsOf(upload.batches);
        const bets = counts.all - counts.refused;
        const right = text.split('|')[1] === String(bets);
        upload.done ||= right;
        return right ? OK : fail('count-mismatch', 1, `${bets} bets are stored`);
      }
      if (type === 'END' && upload.done) {
        this.finished += 1;
        return OK;
      }
      return type === 'ACTA' && this.finished > 0 ? rwin('11', '12') : this.#fault(message);
    };
  }

  #fault(message: string): string {
    this.faults.push(message);
    return NOK;
  }

  #uploadOf(name: string): Upload {
    const upload = this.uploads.get(name) ?? { done: false, batches: [] };
    this.uploads.set(name, upload);
    return upload;
  }

  /** The answer to a batch; undefined for one that leaves a gap or comes again. */
  #store(upload: Upload, text: string): string | undefined {
    const [numberText, countText, ...fields] = text.split('|');
    const [number, count] = [Number(numberText), Number(countText)];
    if (fields.length !== count * 5) return this.#fault(text);
    const next = countsOf(upload.batches).all + 1;
    // Only an agency that was told where to go on by a server that is behind may come with what is
    // stored.
    const mayRepeat = this.#plan.behind !== undefined;
    if (number > next || (number < next && !mayRepeat))
      return this.#fault(`bet ${number} for ${next}`);
    if (number < next) return undefined;
    if (this.finished > 0) return this.#fault(text);
    const refused = this.#plan.refusedBatches?.includes(number) ?? false;
    upload.batches.push({ count, refused });
    if (refused) return fail('invalid-bet', 0, number, 0, 'document', 'not-digits');
    for (let index = 0; index < count; index += 1)
      this.rows.push(fields.slice(index * 5, index * 5 + 5).join('|'));
    return OK;
  }
}
