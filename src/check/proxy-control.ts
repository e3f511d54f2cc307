import type { Direction } from './finding.ts';

/**
 * What the proxy does with the bytes of one direction. All of it changes only how TCP delivers
 * them, which no program may depend on.
 */
export type Shape =
  | { readonly kind: 'pass' }
  /** The first `byteCount` bytes as segments of one byte each, then everything as it comes. */
  | { readonly kind: 'bytes'; readonly byteCount: number }
  /** Segments of random lengths from 1 to `lengthMax`. */
  | { readonly kind: 'random'; readonly seed: number; readonly lengthMax: number }
  /**
   * Gathers until nothing has come for so long, and sends the first few bytes, then all the rest at
   * once.
   */
  | { readonly kind: 'coalesce'; readonly quietMs: number }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /**
   * Reads nothing more of the sender for so long after each read, so that the sender's buffers
   * fill.
   */
  | { readonly kind: 'slow-reader'; readonly pauseMs: number };

/**
 * What happens to a connection when so many bytes of a direction were passed on: not one more goes
 * through.
 */
export interface Stop {
  readonly direction: Direction;
  readonly afterBytes: number;
  /**
   * `hold`: nothing happens until `release`. `cut`: both sides are reset, as by a peer that has
   * lost its power. `end`: both are closed.
   */
  readonly action: 'hold' | 'cut' | 'end';
}

/** Of a connection; what is not given passes. */
export interface LinkPlan {
  readonly up?: Shape;
  readonly down?: Shape;
  readonly stop?: Stop;
  /** Connections of this client are accepted, and the server hears of them only after `release`. */
  readonly holdConnect?: boolean;
}

/** What happened on the connections, in the order in which it did, as the proxy received it. */
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

/** A proxy between the clients and the server, here or in a container. It knows no protocol. */
export interface ProxyControl {
  /** Grows. */
  readonly events: readonly LinkEvent[];
  /**
   * Sets what happens to the connections of a client that are opened from now on, or of every
   * client.
   */
  plan(plan: LinkPlan, client?: number): Promise<void>;
  /** Passes on what was held of a client, and everything after it. */
  release(client: number): Promise<void>;
  /** Holds both directions of the connections of a client that are open, from now on. */
  hold(client: number): Promise<void>;
  /** Resets the connections of a client that are open. */
  cut(client: number): Promise<void>;
}
