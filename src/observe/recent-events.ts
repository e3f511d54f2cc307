import type { CentralEvent } from './events.ts';

type Params = Readonly<Record<string, string | number>>;

/** An event for the operator; without personal data. */
export interface RecentEvent {
  /** Counted from 1 since the process started. */
  readonly id: number;
  /** Of its last occurrence. */
  readonly time: Date;
  readonly kind: string;
  /** With `times` for repeated events. */
  readonly params: Params;
}

const EVENTS_MAX = 50;

/**
 * The latest events, newest first. A repeated event moves up, so that a thousand refusals of a peer
 * hide nothing.
 */
export class RecentEvents {
  readonly #clock: () => Date;
  /** By kind and parameters, oldest first. */
  readonly #events = new Map<
    string,
    { id: number; time: Date; kind: string; params: Params; times: number }
  >();
  #lastId = 0;

  constructor(clock: () => Date) {
    this.#clock = clock;
  }

  get newestFirst(): RecentEvent[] {
    return [...this.#events.values()].toReversed().map(({ times, params, ...rest }) => ({
      ...rest,
      params: times > 1 ? { ...params, times } : params,
    }));
  }

  add(kind: string, params: Params = {}): void {
    const key = `${kind} ${JSON.stringify(params)}`;
    const known = this.#events.get(key);
    this.#events.delete(key);
    const id = known?.id ?? (this.#lastId += 1);
    this.#events.set(key, {
      id,
      time: this.#clock(),
      kind,
      params,
      times: (known?.times ?? 0) + 1,
    });
    if (this.#events.size > EVENTS_MAX) this.#events.delete(this.#events.keys().next().value!);
  }
}

/**
 * The parameters of an event for the operator; undefined for other events. The text of a refusal is
 * left out: it may quote the peer.
 */
export function readableParams(event: CentralEvent): Params | undefined {
  switch (event.event) {
    case 'store-opened':
      return { bets: event.bets, finished: event.finished.length };
    case 'tail-cut':
      return { file: event.file, bytes: event.bytes };
    case 'listening':
      return { dialect: event.dialect, port: event.port };
    case 'upload-resumed':
      return { agency: event.agency, bets: event.bets };
    case 'message-refused':
      return { ...ofAgency(event), ip: event.ip, ...event.listener, code: event.refusal.code };
    case 'done-by-hand': {
      const { fact } = event;
      const { reason, by } = fact.intervention;
      const subject =
        fact.kind === 'agencies' ? { agencies: fact.agencies } : { agency: fact.agency };
      return { kind: fact.kind, ...subject, reason, by };
    }
    case 'agency-finished':
      return { agency: event.agency, missing: event.missing };
    case 'closed':
      return { acta: event.acta.number, bets: event.acta.bets };
    case 'draw-waits':
      return { acta: event.acta };
    case 'signature-refused':
      return { acta: event.acta, file: event.file };
    case 'acta-disputed':
      return { acta: event.acta, agency: event.agency };
    case 'draw-held':
    case 'draw-followed':
      return { bets: event.bets, winners: event.winners };
    case 'draw-delayed':
    case 'engine-unavailable':
    case 'engine-available':
    case 'engine-single':
      return {};
    case 'connection-refused':
      return { ip: event.ip, code: event.refusal.code };
    case 'connection-cut':
      return { ...ofAgency(event), ip: event.ip, reason: event.reason };
    case 'connection-error':
      return { ip: event.ip, error: event.error };
    case 'listener-error':
      return { error: event.error };
    case 'failed':
      return { action: event.action, error: event.error };
    case 'stopping':
      return { signal: event.signal };
    default:
      return undefined;
  }
}

function ofAgency({ agency }: { readonly agency?: number | undefined }): Params {
  return agency === undefined ? {} : { agency };
}
