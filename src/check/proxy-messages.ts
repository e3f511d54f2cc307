import type { LinkEvent, LinkPlan } from './proxy-control.ts';

/** What is asked of the proxy's process, a line of JSON each with an `id`. */
export type ProxyCommand =
  /**
   * Times count from `atMs` of `wallMs`. `clients`: which client has which IP address, where one
   * port serves all.
   */
  | {
      readonly do: 'open';
      readonly atMs: number;
      readonly clients?: Readonly<Record<string, number>>;
    }
  /**
   * Answered with the port. `client`: who connects to it, where each client has a port of its own.
   */
  | {
      readonly do: 'listen';
      readonly host: string;
      readonly port: number;
      readonly client?: number;
    }
  | { readonly do: 'target'; readonly host: string; readonly port: number }
  | { readonly do: 'plan'; readonly plan: LinkPlan; readonly client?: number }
  | { readonly do: 'release' | 'hold' | 'cut'; readonly client: number };

/** What it says: the answer to a command, or what has happened. */
export type ProxyMessage =
  | { readonly id: number; readonly port?: number; readonly error?: string }
  | { readonly event: Omit<LinkEvent, 'bytes'> & { readonly base64?: string } };

/** One clock for all processes of this machine. */
export const wallMs = (): number => performance.timeOrigin + performance.now();
