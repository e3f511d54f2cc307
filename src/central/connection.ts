import type { Socket } from 'node:net';
import type { CentralEvent, CloseReason, Emit, ListenerName } from '../observe/events.ts';
import type { CentralCodec, Conversation } from '../wire/dialect.ts';
import type { Limits } from '../wire/limits.ts';
import type { ClientMessage, ServerMessage } from '../wire/message.ts';
import { Pace } from '../wire/pace.ts';
import { WireError } from '../wire/refusal.ts';
import type { Central } from './central.ts';
import type { OpenConnections } from './open-connections.ts';
import type { Served } from './listener.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import { ReplyWriter } from './reply-writer.ts';
import { type Answer, Session } from './session.ts';

export interface ConnectionParts {
  readonly socket: Socket;
  readonly ip: string;
  readonly listener?: ListenerName | undefined;
  readonly codec: CentralCodec;
  readonly conversation: Conversation;
  readonly central: Central;
  readonly open: OpenConnections;
  readonly limits: Limits;
  readonly emit: Emit<CentralEvent>;
  readonly now: () => number;
  readonly certificate?: PeerCertificate | undefined;
}

/** The place of an answer in the order of the requests. */
class Slot implements Answer {
  /** What is answered; undefined when it is no message. */
  readonly to: ClientMessage['kind'] | undefined;
  settled = false;
  reply: ServerMessage | undefined;
  readonly #onSettled: () => void;

  constructor(to: ClientMessage['kind'] | undefined, onSettled: () => void) {
    this.to = to;
    this.#onSettled = onSettled;
  }

  settle(reply: ServerMessage | undefined): void {
    this.settled = true;
    this.reply = reply;
    this.#onSettled();
  }
}

/**
 * One agency's socket: bytes to messages to the session, replies to bytes, in the order of the requests, and the
 * deadlines. It reads only as fast as the disk takes and the peer listens.
 */
export class Connection implements Served {
  readonly closed: Promise<void>;
  readonly #parts: ConnectionParts;
  readonly #session: Session;
  readonly #answers: Slot[] = [];
  /** A message that waits until everything before it is answered. */
  #held: ClientMessage | undefined;
  /** Whether messages are still taken; not after a refusal or when stopping. */
  #taking = true;
  #inputEnded = false;
  #pumpsInNextTurn = false;
  /** Whether the session is being asked something, and whether answers that it gave later are about to be sent. */
  #asking = false;
  #goingOn = false;
  readonly #writer: ReplyWriter;
  /** Whether this side has said its last word. */
  #closing = false;
  /** Since when the last word is out and the peer's is waited for. */
  #lingeringSince: number | undefined;
  #ignoredBytes = 0;
  #ignoringLater = false;
  /** Of the bytes of the first message, the rest of one, or the next one: what the peer owes. */
  readonly #pace: Pace;
  #owed: 'first-message-timeout' | 'message-timeout' | 'idle' = 'first-message-timeout';
  #lastSaidAt: number;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { socket, now } = parts;
    const { framesApart } = parts.conversation;
    this.#writer = new ReplyWriter({ socket, framesApart, now, onRoom: () => this.#goOn() });
    this.#session = new Session(parts);
    this.#pace = new Pace(parts.limits.progressBytesMin, now());
    this.#lastSaidAt = now();
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#onClose();
        resolve();
      });
    });
    socket.setNoDelay(true);
    // Finds out a peer that is gone where the dialect has no `PING`.
    socket.setKeepAlive(true, parts.limits.pingIntervalMs);
    // Not `data`: a paused socket would read on until its own buffer is full too, which is most of what a slow disk costs.
    socket.on('readable', this.#onReadable);
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#goOn());
    socket.on('finish', () => {
      this.#lingeringSince = now();
    });
    socket.on('error', error => this.#onError(error));
  }

  /** Takes no further message, answers those that were taken, and closes (promise P8). */
  stop(): void {
    this.#taking = false;
    this.#held = undefined;
    this.#session.stop();
    this.#pump();
  }

  /** Closes at once. */
  destroy(): void {
    this.#parts.socket.destroy();
  }

  get bufferedBytes(): number {
    const { codec, socket } = this.#parts;
    return codec.bufferedBytes + socket.readableLength + this.#writer.bufferedBytes;
  }

  /** The connections together hold too much, and this one most of it. */
  cutForRoom(): void {
    this.#cut('too-much-held');
  }

  /** Cuts the connection when a deadline has passed. Called now and then by the listener. */
  checkDeadlines(): void {
    const { limits, now, central } = this.#parts;
    const time = now();
    if (this.#lingeringSince !== undefined) {
      if (time - this.#lingeringSince >= limits.lingerTimeoutMs) this.destroy();
    } else if (this.#writer.unreadSince !== undefined) {
      if (time - this.#writer.unreadSince >= limits.unreadTimeoutMs) this.#cut('unread-answers');
    } else if (this.#answers.length > 0) {
      // One that has said its last word may be gone, which only the second word to it shows: the first brings a reset.
      if (this.#inputEnded || time - this.#lastSaidAt >= limits.pingIntervalMs) this.#ping();
    } else if (!this.#closing && !central.saturated && this.#pace.isTooSlow(time, this.#owedTimeoutMs())) {
      this.#refuseSlowPeer();
    }
  }

  /** Tells an agency that waits for the draw that the central is there, and finds out whether the agency is. */
  #ping(): void {
    if (this.#closing || !this.#session.waitsForDraw || !this.#writer.empty) return;
    const { codec, socket, now, limits } = this.#parts;
    const frames = codec.encode({ kind: 'still-here' });
    this.#write(frames);
    // Without a word for it nobody can tell one that still listens from one that is gone, and behind what nobody takes any more
    // its end would not be seen.
    const saysMore = this.#held !== undefined || codec.bufferedBytes > 0 || socket.readableLength > 0;
    const listens = frames.length > 0 || !(this.#inputEnded || saysMore);
    if (!listens && this.#pace.isTooSlow(now(), limits.idleTimeoutMs)) this.#cut('idle');
  }

  #owedTimeoutMs(): number {
    const { limits } = this.#parts;
    if (this.#owed === 'idle') return limits.idleTimeoutMs;
    return this.#owed === 'message-timeout' ? limits.messageTimeoutMs : limits.firstMessageTimeoutMs;
  }

  #refuseSlowPeer(): void {
    this.#tellCut(this.#owed);
    this.#taking = false;
    this.#send({ kind: 'refused', refusal: { code: 'closing', detail: this.#owed } });
  }

  #cut(reason: CloseReason): void {
    this.#tellCut(reason);
    this.destroy();
  }

  #tellCut(reason: CloseReason): void {
    const { emit, ip, listener } = this.#parts;
    const { agency, comesBack } = this.#session;
    emit({ event: 'connection-cut', ip, agency, listener, reason, ...comesBack });
  }

  readonly #onReadable = (): void => {
    if (this.#closing) this.#ignoreInput();
    else this.#pump();
  };

  /**
   * Reads what a peer had sent before it could know that it is not wanted any more, so that it comes to reading why. Slowly:
   * whoever sends on without end is held up, and costs nobody else anything.
   */
  #ignoreInput(): void {
    const { socket, limits } = this.#parts;
    if (this.#ignoringLater) return;
    const chunk = readChunk(socket);
    if (chunk === null) return;
    this.#ignoredBytes += chunk.length;
    if (this.#ignoredBytes > limits.lingerBytesMax) {
      this.destroy();
      return;
    }
    this.#ignoringLater = true;
    setTimeout(() => {
      this.#ignoringLater = false;
      this.#ignoreInput();
    }, limits.lingerReadMs).unref();
  }

  #onEnd(): void {
    this.#inputEnded = true;
    this.#pace.restart(this.#parts.now());
    this.#pump();
    this.#ping();
  }

  #onError(error: Error): void {
    const { emit, ip, codec, listener } = this.#parts;
    const cutOff = codec.pending || this.#answers.length > 0 || this.#session.unfinished;
    if (!this.#closing && cutOff) {
      const code = (error as NodeJS.ErrnoException).code ?? error.message;
      emit({ event: 'connection-error', ip, listener, error: code, ...this.#session.comesBack });
    }
  }

  #onClose(): void {
    const { emit, ip, conversation } = this.#parts;
    const { agency, unfinished, comesBack } = this.#session;
    // Older agencies of some dialects open a connection for each batch.
    const resumable = comesBack !== undefined || conversation.serverMayClose;
    this.#taking = false;
    this.#closing = true;
    this.#session.end();
    emit({ event: 'connection-closed', ip, agency, ...(unfinished && { unfinished, resumable }) });
  }

  /** Takes messages for as long as there are some and their answers have room. */
  #pump(): void {
    if (this.#closing) return;
    let taken = 0;
    let exhausted = false;
    while (this.#mayTake()) {
      if (taken === this.#parts.limits.messagesPerTurnMax) {
        this.#pumpInNextTurn();
        break;
      }
      const message = this.#held ?? this.#decode();
      if (message === undefined) {
        exhausted = !this.#read();
        if (exhausted) break;
        continue;
      }
      if (this.#mustWait(message)) {
        this.#held = message;
        break;
      }
      this.#held = undefined;
      taken += 1;
      this.#ask(message.kind, answer => this.#session.handle(message, answer));
    }
    this.#noteWhatIsOwed(taken);
    this.#parts.open.note(this);
    if (this.#answers.length === 0 && (!this.#taking || (this.#inputEnded && exhausted))) this.#finish();
  }

  /** Lets others have their turn: a peer may have sent thousands of messages that are quickly answered. */
  #pumpInNextTurn(): void {
    if (this.#pumpsInNextTurn) return;
    this.#pumpsInNextTurn = true;
    setImmediate(() => {
      this.#pumpsInNextTurn = false;
      this.#pump();
    });
  }

  /** Batches share the writes of the store; any other message takes its turn when everything before it is answered. */
  #mustWait({ kind }: ClientMessage): boolean {
    const last = this.#answers.at(-1);
    if (last === undefined) return false;
    // A welcome counts what was stored before it.
    return !isBatch(kind) || last.to === 'resume';
  }

  #mayTake(): boolean {
    const { limits, central } = this.#parts;
    const waiting = this.#answers.length;
    if (!this.#taking || waiting >= limits.unansweredMax || this.#writer.backlogged) return false;
    if (!central.saturated) return true;
    // Whoever waits for an answer goes on with it.
    if (waiting === 0) central.whenRelieved(this.#onReadable);
    return false;
  }

  /** The next message; bytes that are none are refused in their turn and are the last that are looked at. */
  #decode(): ClientMessage | undefined {
    try {
      return this.#parts.codec.next();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#ask(undefined, answer => answer.settle(this.#session.refuse(error.refusal)));
      return undefined;
    }
  }

  #noteWhatIsOwed(taken: number): void {
    const { codec, now } = this.#parts;
    if (taken === 0 && this.#owed === 'first-message-timeout') return;
    const owed = codec.pending ? 'message-timeout' : 'idle';
    if (taken === 0 && owed === this.#owed) return;
    this.#owed = owed;
    this.#pace.restart(now(), codec.bufferedBytes);
  }

  /** Takes what has arrived; whether there was something. What is not taken waits in the network. */
  #read(): boolean {
    const chunk = readChunk(this.#parts.socket);
    if (chunk === null) return false;
    this.#pace.moved(chunk.length);
    this.#parts.codec.push(chunk);
    return true;
  }

  /** Puts something to the session. What it answers at once is sent at once, when nothing before it waits. */
  #ask(kind: ClientMessage['kind'] | undefined, question: (answer: Answer) => void): void {
    const slot = new Slot(kind, this.#onSettled);
    this.#answers.push(slot);
    this.#asking = true;
    question(slot);
    this.#asking = false;
    if (slot.reply?.kind === 'refused') this.#taking = false;
    this.#sendSettled();
  }

  /** Answers that the disk was waited for settle one after the other, and are sent together. */
  readonly #onSettled = (): void => {
    if (this.#asking || this.#goingOn) return;
    this.#goingOn = true;
    queueMicrotask(() => {
      this.#goingOn = false;
      this.#goOn();
    });
  };

  #goOn(): void {
    this.#sendSettled();
    if (this.#answers.length === 0) this.#pace.restart(this.#parts.now());
    this.#pump();
  }

  #sendSettled(): void {
    while (!this.#writer.backlogged && this.#answers[0]?.settled === true) {
      const { reply, to } = this.#answers.shift()!;
      if (reply !== undefined) this.#send(reply, to);
    }
  }

  #send(reply: ServerMessage, to?: ClientMessage['kind']): void {
    if (this.#closing) return;
    const { questionsApart } = this.#parts.conversation;
    this.#write(this.#encode(reply, to));
    if (reply.kind === 'refused' || (questionsApart && to === 'ask-winners')) this.#finish();
  }

  /** The frames of a reply, or of the refusal when the dialect has no bytes for it. */
  #encode(reply: ServerMessage, to: ClientMessage['kind'] | undefined): readonly Uint8Array[] {
    const { codec } = this.#parts;
    try {
      return codec.encode(reply, to);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#taking = false;
      return codec.encode(this.#session.refuse(error.refusal), to);
    }
  }

  #write(frames: readonly Uint8Array[]): void {
    if (frames.length > 0) this.#lastSaidAt = this.#parts.now();
    this.#writer.write(frames);
  }

  /**
   * Says the last word and waits a little for the peer's: closing a socket with unread bytes would reset the connection
   * and could take the last answer with it.
   */
  #finish(): void {
    if (this.#closing) return;
    const { codec } = this.#parts;
    if (this.#inputEnded && this.#taking && codec.pending) this.#tellCut('truncated');
    this.#closing = true;
    this.#answers.length = 0;
    this.#held = undefined;
    this.#writer.end();
    this.#ignoreInput();
  }
}

/** Everything that has arrived; null when nothing has. */
function readChunk(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}

function isBatch(kind: ClientMessage['kind']): boolean {
  return kind === 'numbered-batch' || kind === 'batch' || kind === 'bet';
}
