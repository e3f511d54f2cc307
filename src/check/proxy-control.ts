import type { Direction } from './finding.ts';

/**
 * How the proxy delivers the bytes of one direction. Every shape is a delivery that TCP permits, so
 * a correct program does not depend on it.
 */
export type Shape =
  | { readonly kind: 'pass' }
  /** The first `byteCount` bytes in segments of one byte, the rest unchanged. */
  | { readonly kind: 'bytes'; readonly byteCount: number }
  /** Segments of random lengths from 1 to `lengthMax`. */
  | { readonly kind: 'random'; readonly seed: number; readonly lengthMax: number }
  /**
   * Collects bytes until none arrives for `quietMs`; then sends the first few, and the rest in one
   * segment.
   */
  | { readonly kind: 'coalesce'; readonly quietMs: number }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Pauses for `pauseMs` after each read, so that the sender's buffers fill. */
  | { readonly kind: 'slow-reader'; readonly pauseMs: number };

/** Stops a connection after `afterBytes` forwarded bytes of a direction. */
export interface Stop {
  readonly direction: Direction;
  readonly afterBytes: number;
  /**
   * `hold`: forwards nothing until `release`. `cut`: resets both sides, as a crashed peer does.
   * `end`: closes both in order.
   */
  readonly action: 'hold' | 'cut' | 'end';
}

/** Plan of a connection; by default bytes pass unchanged. */
export interface LinkPlan {
  readonly up?: Shape;
  readonly down?: Shape;
  readonly stop?: Stop;
  /** Accepts the connection, but dials the server only after `release`. */
  readonly holdConnect?: boolean;
}

/** An event of a connection, in the order in which the proxy saw them. */
export interface LinkEvent {
  readonly kind: 'open' | 'data' | 'end' | 'close';
  /** Since the lottery was opened. */
  readonly atMs: number;
  /** From 1 in the order of `open`. */
  readonly connection: number;
  readonly client: number;
  /** Of `data` and `end`. */
  readonly direction?: Direction;
  /** Of `data`. */
  readonly bytes?: Uint8Array;
}

/** Controls a proxy between clients and server, in this process, another one or a container. */
export interface ProxyControl {
  /** So far; grows. */
  readonly events: readonly LinkEvent[];
  /** Sets the plan of future connections, of one client or of all. */
  plan(plan: LinkPlan, client?: number): Promise<void>;
  /** Forwards the held bytes of a client, and everything after them. */
  release(client: number): Promise<void>;
  /** Holds both directions of a client's open connections. */
  hold(client: number): Promise<void>;
  /** Resets a client's open connections. */
  cut(client: number): Promise<void>;
}
