import type { LinkEvent, LinkPlan } from './proxy-control.ts';

/** A command to the proxy's process: a line of JSON, with an `id` besides. */
export type ProxyCommand =
  /**
   * Times count from `atMs` on the clock `wallMs`. `clients`: client number by IP address, where
   * all share one port.
   */
  | {
      readonly do: 'open';
      readonly atMs: number;
      readonly clients?: Readonly<Record<string, number>>;
    }
  /** The answer has the port. `client`: the one that uses it, where each has a port of its own. */
  | {
      readonly do: 'listen';
      readonly host: string;
      readonly port: number;
      readonly client?: number;
    }
  | { readonly do: 'target'; readonly host: string; readonly port: number }
  | { readonly do: 'plan'; readonly plan: LinkPlan; readonly client?: number }
  | { readonly do: 'release' | 'hold' | 'cut'; readonly client: number };

/** From the proxy's process: the answer to a command, or an event. */
export type ProxyMessage =
  | { readonly id: number; readonly port?: number; readonly error?: string }
  | { readonly event: Omit<LinkEvent, 'bytes'> & { readonly base64?: string } };

/** A clock shared by all processes of this machine, in milliseconds. */
export const wallMs = (): number => performance.timeOrigin + performance.now();
