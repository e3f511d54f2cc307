import type { Acta, ByHand } from '../lottery/fact.ts';
import type { LotteryState } from '../lottery/lottery.ts';
import type { StoreEvent } from '../store/store.ts';
import type { DrawWait } from './status.ts';
import type { Refusal } from '../wire/refusal.ts';

/**
 * Events of the central and the agency. Log, metrics and page subscribe to them; only `cli/` imports
 * those.
 */
export type Emit<Event> = (event: Event) => void;

/** Agencies in a log line: bounds the cost of an event. */
export const AGENCIES_LISTED_MAX = 20;

/** Why this side closed a connection without a faulty message. */
export const CLOSE_REASONS = [
  'first-message-timeout',
  'message-timeout',
  'idle',
  'unread-answers',
  'too-much-held',
  'truncated',
] as const;

export type CloseReason = (typeof CLOSE_REASONS)[number];

/** A listening port and its dialect. */
export interface ListenerName {
  readonly port: number;
  readonly dialect: string;
}

/** Between the end of the last agency and the winners. */
export type DrawEvent =
  /** The acta de cierre is durable. */
  | { readonly event: 'closed'; readonly acta: Acta; readonly sha256: string }
  /** The draw waits for a time or a signature. */
  | { readonly event: 'draw-waits'; readonly acta: number; readonly wait: DrawWait }
  /** The file is no signature of the acta. */
  | {
      readonly event: 'signature-refused';
      readonly acta: number;
      readonly file: string;
      readonly error: string;
    }
  /** The acta differs from what an agency has sent. */
  | {
      readonly event: 'acta-disputed';
      readonly agency: number;
      readonly acta: number;
      readonly detail: string;
    }
  | {
      readonly event: 'draw-held';
      readonly bets: number;
      readonly winners: number;
      /** SHA-256 of all rows, in hex. */
      readonly seal: string;
      readonly durationMs: number;
    }
  /** Another server on the same log has held the draw. */
  | {
      readonly event: 'draw-followed';
      readonly bets: number;
      readonly winners: number;
      readonly seal: string;
    }
  | { readonly event: 'draw-delayed'; readonly error: string };

type LotteryEvent =
  | DrawEvent
  /** Log lines were dropped: a full pipe or disk. */
  | { readonly event: 'log-dropped'; readonly lines: number }
  /** An operator's intervention, on any machine. */
  | { readonly event: 'done-by-hand'; readonly fact: ByHand }
  | { readonly event: 'agency-identified'; readonly ip: string; readonly agency: number }
  | { readonly event: 'bet-stored'; readonly document: string; readonly number: number }
  | { readonly event: 'batch-stored'; readonly agency: number; readonly count: number }
  | {
      readonly event: 'upload-resumed';
      readonly agency: number;
      readonly upload: string;
      /** Its stored bets. */
      readonly bets: number;
    }
  /** A repeated batch got its first answer again. */
  | { readonly event: 'batch-repeated'; readonly agency: number; readonly seq: number }
  | {
      readonly event: 'bets-refused';
      readonly agency: number;
      readonly single: boolean;
      readonly count: number;
    }
  | {
      readonly event: 'message-refused';
      readonly ip: string;
      readonly agency?: number | undefined;
      readonly listener?: ListenerName | undefined;
      readonly refusal: Refusal;
    }
  | {
      readonly event: 'agency-finished';
      readonly agency: number;
      readonly missing: number;
      /** The first of the missing ones. */
      readonly waitingFor: readonly number[];
    }
  | { readonly event: 'echo'; readonly ip: string; readonly text: string };

/** Validity of all certificates of a file. */
export interface CertificateValidity {
  /** Configuration key of the file. */
  readonly file: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** Sockets, files and process of the server. */
export type ResourceEvent =
  | { readonly event: 'listening'; readonly address: string; readonly port: number; readonly dialect: string }
  | { readonly event: 'accepting' }
  | { readonly event: 'http-listening'; readonly url: string }
  | { readonly event: 'connection-accepted'; readonly ip: string }
  | {
      readonly event: 'connection-refused';
      readonly ip: string;
      readonly listener: ListenerName;
      readonly refusal: Refusal;
    }
  /** Every listener speaks TLS. */
  | {
      readonly event: 'tls-opened';
      /** Of the server's certificate. */
      readonly subject: string;
      readonly validities: readonly CertificateValidity[];
      /** Whether agencies must show a certificate. */
      readonly mutual: boolean;
    }
  /** Changed files cannot be used; the previous certificates stay in force. */
  | { readonly event: 'tls-kept'; readonly error: string }
  | (CertificateValidity & { readonly event: 'certificate-trouble'; readonly trouble: string })
  | {
      readonly event: 'handshake-done';
      readonly ip: string;
      readonly protocol: string;
      /** Named by the peer's certificate, where one is required. */
      readonly agency: number | undefined;
    }
  | { readonly event: 'handshake-failed'; readonly ip: string; readonly error: string }
  | {
      readonly event: 'connection-cut';
      readonly ip: string;
      readonly agency?: number | undefined;
      readonly listener?: ListenerName | undefined;
      readonly reason: CloseReason;
      /** Whether the client can resume its upload. */
      readonly resumable?: boolean;
    }
  | {
      readonly event: 'connection-error';
      readonly ip: string;
      readonly listener?: ListenerName | undefined;
      readonly error: string;
      readonly resumable?: boolean;
    }
  | {
      readonly event: 'connection-closed';
      readonly ip: string;
      readonly agency?: number | undefined;
      /** Whether the agency has sent bets on it and not finished. */
      readonly unfinished?: boolean;
      readonly resumable?: boolean;
    }
  | { readonly event: 'listener-error'; readonly error: string }
  | { readonly event: 'listener-closed'; readonly port: number }
  | { readonly event: 'timer-closed'; readonly timer: string }
  /** Recovery truncated a write that was never acknowledged. */
  | {
      readonly event: 'tail-cut';
      readonly file: string;
      readonly bytes: number;
      /** Copy of the tail, where there is one. */
      readonly kept?: string | undefined;
    }
  | {
      readonly event: 'store-opened';
      readonly file: string;
      readonly bets: number;
      /** The agencies that have finished, and the number of those expected. */
      readonly finished: readonly number[];
      readonly expected: number;
      readonly state: LotteryState;
    }
  | StoreEvent
  | { readonly event: 'file-closed'; readonly file: string }
  | { readonly event: 'failed'; readonly action: string; readonly error: string }
  | { readonly event: 'stopping'; readonly signal: string }
  | { readonly event: 'stopped' };

export type CentralEvent = LotteryEvent | ResourceEvent;

/** Upload of an agency. */
type UploadEvent =
  | { readonly event: 'bet-sent'; readonly document: string; readonly number: number }
  | {
      readonly event: 'upload-progress';
      readonly bets: number;
      readonly fileBytesRead: number;
      readonly fileBytes: number;
    }
  /** The central has a part of the file. */
  | { readonly event: 'upload-resumed'; readonly bets: number }
  /** Bets of a refused batch, in a dialect that continues without them. */
  | {
      readonly event: 'bets-refused';
      readonly count: number;
      /** Unknown for a refusal before this connection. */
      readonly firstLine?: number;
      readonly reason: string;
    }
  /** The upload continues without an invalid batch. */
  | {
      readonly event: 'batch-refused';
      readonly seq: number;
      readonly count: number;
      readonly firstLine: number;
      readonly index: number;
      readonly field: string;
      readonly reason: string;
    }
  /** The process stops before the end of the upload. */
  | {
      readonly event: 'upload-stopped';
      /** Acknowledged. */
      readonly batches: number;
      readonly bets: number;
      /** Sent and not answered. */
      readonly inDoubt: number;
      /** Whether the next start resumes the upload, or repeats it. */
      readonly resumable: boolean;
    }
  | { readonly event: 'upload-done'; readonly batches: number; readonly bets: number }
  /** A repeated end of the bets was refused: the first one counts. */
  | { readonly event: 'finish-in-doubt' }
  | { readonly event: 'waiting-for-draw'; readonly waitMs?: number }
  /** `error` is the difference to what was sent. */
  | {
      readonly event: 'acta-checked';
      readonly acta: number;
      readonly bets: number;
      readonly sha256: string;
      readonly error: string | undefined;
    }
  | { readonly event: 'acta-unchecked'; readonly acta: number; readonly error: string }
  | { readonly event: 'winners'; readonly documents: readonly string[] }
  | { readonly event: 'echo'; readonly text: string }
  | { readonly event: 'echo-finished' };

/** Connection, files and process of an agency. */
export type AgencyProcessEvent =
  /** Changed files cannot be used; the previous certificates stay in force. */
  | { readonly event: 'tls-kept'; readonly error: string }
  | {
      readonly event: 'connecting';
      readonly attempt: number;
      readonly waitMs: number;
      readonly error: string;
      /** The server, where there are several. */
      readonly address?: string | undefined;
    }
  | { readonly event: 'connected'; readonly address: string }
  /** A connected server sends nothing: it may be serving another agency. */
  | { readonly event: 'waiting-for-turn'; readonly silentMs: number; readonly hint: string }
  | {
      readonly event: 'reconnecting';
      readonly error: string;
      readonly waitMs?: number;
      /** The lost server, where there are several. */
      readonly address?: string | undefined;
    }
  | { readonly event: 'socket-closed'; readonly address: string }
  | { readonly event: 'file-closed'; readonly file: string }
  | { readonly event: 'timer-closed'; readonly timer: string }
  | { readonly event: 'lines-refused'; readonly count: number }
  | { readonly event: 'failed'; readonly action: string; readonly error: string }
  | { readonly event: 'stopping'; readonly signal: string }
  | { readonly event: 'stopped' };

/** An agency's file. */
export type AgencyFileEvent =
  | {
      readonly event: 'line-refused';
      readonly file: string;
      readonly line: number;
      /** Where the record spans several lines. */
      readonly lastLine?: number | undefined;
      readonly field: string;
      readonly value: string;
      readonly reason: string;
    }
  /** Faults of a kind that are not listed. */
  | {
      readonly event: 'more-refused';
      readonly file: string;
      readonly field: string;
      readonly reason: string;
      readonly count: number;
    }
  /** The likely cause of `count` faults, and its remedy. */
  | { readonly event: 'cause-guessed'; readonly file: string; readonly count: number; readonly hint: string }
  | { readonly event: 'heading-skipped'; readonly file: string }
  /** Invalid lines were skipped and written to `rejected`. */
  | { readonly event: 'lines-skipped'; readonly count: number; readonly rejected: string }
  | {
      readonly event: 'winners-delayed';
      readonly file: string;
      readonly error: string;
      readonly waitMs: number;
    }
  /** `--check` found no fault. */
  | { readonly event: 'file-checked'; readonly file: string; readonly bets: number };

export type AgencyEvent = UploadEvent | AgencyFileEvent | AgencyProcessEvent;
