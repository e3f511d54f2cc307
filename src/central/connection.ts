import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { CloseReason } from '../observe/events.ts';
import type { ClientMessage, ServerMessage } from '../wire/message.ts';
import { WireError } from '../wire/refusal.ts';
import { Deadlines } from './deadlines.ts';
import { LingeringClose } from './lingering-close.ts';
import type { OpenConnections } from './open-connections.ts';
import type { Served } from './listener.ts';
import { ReplyWriter } from './reply-writer.ts';
import { type Answer, Session, type SessionParts } from './session.ts';

export interface ConnectionParts extends SessionParts {
  readonly socket: Socket;
  readonly open: OpenConnections;
  readonly now: () => number;
}

/** The place of a reply in the order of the requests. */
interface Slot {
  /** The request; undefined for bytes that are no message. */
  readonly to: ClientMessage['kind'] | undefined;
  isSettled: boolean;
  reply: ServerMessage | undefined;
}

/**
 * The pump of one connection: decodes messages, passes them to the session, and sends the replies
 * in the order of the requests. Back-pressure: it reads only while the store and the peer keep up.
 */
export class Connection implements Served {
  readonly closed: Promise<void>;
  readonly #parts: ConnectionParts;
  readonly #session: Session;
  readonly #writer: ReplyWriter;
  readonly #deadlines: Deadlines;
  readonly #linger: LingeringClose;
  /** Requests without a reply that was sent, in order. */
  readonly #slots: Slot[] = [];
  /** A message that waits until every request before it is answered. */
  #deferred: ClientMessage | undefined;
  /** Whether messages are decoded; not after a refusal, nor during shutdown. */
  #isAccepting = true;
  #inputEnded = false;
  /** Whether the last reply was written. */
  #isClosing = false;
  #isPumpScheduled = false;
  #isFlushScheduled = false;
  #awaitsRelease = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { socket, limits, now } = parts;
    const { writePerFrame } = parts.conversation;
    this.#writer = new ReplyWriter({ socket, writePerFrame, now, onDrained: () => this.#resume() });
    this.#session = new Session(parts);
    this.#deadlines = new Deadlines(limits, now);
    this.#linger = new LingeringClose(socket, limits, now);
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#onClose();
        resolve();
      });
    });
    socket.setNoDelay(true);
    // Keep-alive detects dead peers in dialects without `PING`.
    socket.setKeepAlive(true, limits.pingIntervalMs);
    // Not `data`: a paused socket would fill its own buffer as well, most of the memory of a slow
    // disk.
    socket.on('readable', this.#onReadable);
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#resume());
    socket.on('error', error => this.#onError(error));
  }

  /** Graceful shutdown: answers the accepted messages and closes (promise P8). */
  stop(): void {
    this.#isAccepting = false;
    this.#deferred = undefined;
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

  cutForMemory(): void {
    this.#cut('too-much-held');
  }

  checkDeadlines(): void {
    const { now, central } = this.#parts;
    const time = now();
    const { unreadSince } = this.#writer;
    if (this.#linger.isWaiting) {
      if (this.#linger.isOver(time)) this.destroy();
    } else if (unreadSince !== undefined) {
      if (this.#deadlines.isUnread(unreadSince, time)) this.#cut('unread-answers');
    } else if (this.#slots.length > 0) {
      // A half-closed peer may be gone: the first ping brings a reset, the second one shows it.
      if (this.#inputEnded || this.#deadlines.isPingDue(time)) this.#ping();
    } else if (!this.#isClosing && !central.backpressure.isOn) {
      const missed = this.#deadlines.missed(time);
      if (missed !== undefined) this.#refuseSlowPeer(missed);
    }
  }

  /** Tells an agency that waits for the draw that the central is alive, and checks the agency. */
  #ping(): void {
    if (this.#isClosing || !this.#session.waitsForDraw || !this.#writer.empty) return;
    const { codec, socket, now } = this.#parts;
    const frames = codec.encode({ kind: 'still-here' });
    this.#write(frames);
    // Without a ping frame, keep-alive or the end of the input shows a lost peer. Buffered input
    // hides that end, so the idle deadline decides.
    const hasInput =
      this.#deferred !== undefined || codec.bufferedBytes > 0 || socket.readableLength > 0;
    const isLossDetectable = frames.length > 0 || !(this.#inputEnded || hasInput);
    if (!isLossDetectable && this.#deadlines.isIdle(now())) this.#cut('idle');
  }

  #refuseSlowPeer(reason: CloseReason): void {
    this.#emitCut(reason);
    this.#isAccepting = false;
    this.#send({ kind: 'refused', refusal: { code: 'closing', detail: reason } });
  }

  #cut(reason: CloseReason): void {
    this.#emitCut(reason);
    this.destroy();
  }

  #emitCut(reason: CloseReason): void {
    const { emit, ip, listener } = this.#parts;
    const { agency, isResumable } = this.#session;
    emit({
      event: 'connection-cut',
      ip,
      agency,
      listener,
      reason,
      ...(isResumable && { resumable: true }),
    });
  }

  readonly #onReadable = (): void => {
    if (this.#isClosing) this.#linger.drain();
    else this.#pump();
  };

  #onEnd(): void {
    this.#inputEnded = true;
    this.#deadlines.restart();
    this.#pump();
    this.#ping();
  }

  #onError(error: Error): void {
    const { emit, ip, codec, listener } = this.#parts;
    const isCutOff = codec.pending || this.#slots.length > 0 || this.#session.unfinished;
    const { isResumable } = this.#session;
    if (this.#isClosing || !isCutOff) return;
    const code = (error as NodeJS.ErrnoException).code ?? error.message;
    emit({
      event: 'connection-error',
      ip,
      listener,
      error: code,
      ...(isResumable && { resumable: true }),
    });
  }

  #onClose(): void {
    const { emit, ip, conversation } = this.#parts;
    const { agency, unfinished } = this.#session;
    // Older agencies of some dialects open a connection for each batch.
    const resumable = this.#session.isResumable || conversation.serverMayClose;
    this.#isAccepting = false;
    this.#isClosing = true;
    this.#session.end();
    emit({ event: 'connection-closed', ip, agency, ...(unfinished && { unfinished, resumable }) });
  }

  /** Passes messages to the session for as long as there are some and their replies have room. */
  #pump(): void {
    if (this.#isClosing) return;
    let messages = 0;
    let isExhausted = false;
    while (this.#mayAccept()) {
      if (messages === this.#parts.limits.messagesPerTurnMax) {
        this.#pumpInNextTurn();
        break;
      }
      const message = this.#deferred ?? this.#decode();
      if (message === undefined) {
        isExhausted = !this.#read();
        if (isExhausted) break;
        continue;
      }
      if (this.#mustWait(message)) {
        this.#deferred = message;
        break;
      }
      this.#deferred = undefined;
      messages += 1;
      this.#answer(message.kind, this.#session.handle(message));
    }
    const { codec, open } = this.#parts;
    this.#deadlines.expectInput(messages, codec.pending, codec.bufferedBytes);
    open.note(this);
    const isDone = !this.#isAccepting || (this.#inputEnded && isExhausted);
    if (this.#slots.length === 0 && isDone) this.#finish();
  }

  /** Lets other connections have their turn: a peer may have sent thousands of short messages. */
  #pumpInNextTurn(): void {
    if (this.#isPumpScheduled) return;
    this.#isPumpScheduled = true;
    setImmediate(() => {
      this.#isPumpScheduled = false;
      this.#pump();
    });
  }

  /** Batches are pipelined into the store; any other message waits for the replies before it. */
  #mustWait({ kind }: ClientMessage): boolean {
    const last = this.#slots.at(-1);
    if (last === undefined) return false;
    // A welcome counts what was stored before it.
    return !isBatch(kind) || last.to === 'resume';
  }

  #mayAccept(): boolean {
    const { limits, central } = this.#parts;
    const unanswered = this.#slots.length;
    if (!this.#isAccepting || unanswered >= limits.unansweredMax || this.#writer.backlogged)
      return false;
    if (!central.backpressure.isOn) return true;
    // With unanswered requests the next reply resumes the pump.
    if (unanswered === 0) void this.#awaitRelease();
    return false;
  }

  async #awaitRelease(): Promise<void> {
    if (this.#awaitsRelease) return;
    this.#awaitsRelease = true;
    await this.#parts.central.backpressure.released();
    this.#awaitsRelease = false;
    this.#onReadable();
  }

  /** The next message. Bytes that are none are refused in their turn, and end the input. */
  #decode(): ClientMessage | undefined {
    try {
      return this.#parts.codec.next();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#answer(undefined, this.#session.refuse(error.refusal));
      return undefined;
    }
  }

  /** @returns whether there was input; what is not read stays in the network */
  #read(): boolean {
    const { socket, codec } = this.#parts;
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return false;
    this.#deadlines.received(chunk.length);
    codec.push(chunk);
    return true;
  }

  /** Queues an answer. An immediate reply is sent at once when no request before it waits. */
  #answer(to: Slot['to'], answer: Answer): void {
    assert(this.#slots.length < this.#parts.limits.unansweredMax, 'the window is bounded');
    const slot: Slot = { to, isSettled: false, reply: undefined };
    this.#slots.push(slot);
    if (answer instanceof Promise) {
      void this.#settleLater(slot, answer);
      return;
    }
    slot.isSettled = true;
    slot.reply = answer;
    if (answer?.kind === 'refused') this.#isAccepting = false;
    this.#sendSettled();
  }

  async #settleLater(slot: Slot, answer: Promise<ServerMessage | undefined>): Promise<void> {
    slot.reply = await answer;
    slot.isSettled = true;
    // Coalesces the replies of a group commit, which settle in successive microtasks.
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    queueMicrotask(() => {
      this.#isFlushScheduled = false;
      this.#resume();
    });
  }

  #resume(): void {
    this.#sendSettled();
    if (this.#slots.length === 0) this.#deadlines.restart();
    this.#pump();
  }

  #sendSettled(): void {
    while (!this.#writer.backlogged && this.#slots[0]?.isSettled === true) {
      const { reply, to } = this.#slots.shift()!;
      if (reply !== undefined) this.#send(reply, to);
    }
  }

  #send(reply: ServerMessage, to?: ClientMessage['kind']): void {
    if (this.#isClosing) return;
    const { connectionPerQuestion } = this.#parts.conversation;
    this.#write(this.#encode(reply, to));
    if (reply.kind === 'refused' || (connectionPerQuestion && to === 'ask-winners')) this.#finish();
  }

  /** The frames of a reply, or of the refusal when the dialect has no bytes for it. */
  #encode(reply: ServerMessage, to: ClientMessage['kind'] | undefined): readonly Uint8Array[] {
    const { codec } = this.#parts;
    try {
      return codec.encode(reply, to);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#isAccepting = false;
      return codec.encode(this.#session.refuse(error.refusal), to);
    }
  }

  #write(frames: readonly Uint8Array[]): void {
    if (frames.length > 0) this.#deadlines.sent();
    this.#writer.write(frames);
  }

  /** Half-closes after the last reply; the lingering close follows. */
  #finish(): void {
    if (this.#isClosing) return;
    const { codec } = this.#parts;
    if (this.#inputEnded && this.#isAccepting && codec.pending) this.#emitCut('truncated');
    this.#isClosing = true;
    this.#slots.length = 0;
    this.#deferred = undefined;
    this.#writer.end();
    this.#linger.drain();
  }
}

function isBatch(kind: ClientMessage['kind']): boolean {
  return kind === 'numbered-batch' || kind === 'batch' || kind === 'bet';
}
