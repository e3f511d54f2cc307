import type { Acta, ByHand } from '../lottery/fact.ts';
import type { LotteryState } from '../lottery/lottery.ts';
import type { StoreEvent } from '../store/store.ts';
import type { DrawWait } from './status.ts';
import type { Refusal } from '../wire/refusal.ts';

/** The events of a table: by name, their fields. */
type Events<Table> = {
  [Name in keyof Table]: Readonly<Table[Name]> & { readonly event: Name };
}[keyof Table];

/**
 * Events of the central and the agency. Log, metrics and page subscribe to them; only `cli/`
 * imports those.
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
type DrawEvent = Events<{
  /** The acta de cierre is durable. */
  closed: { acta: Acta; sha256: string };
  /** The draw waits for a time or a signature. */
  'draw-waits': { acta: number; wait: DrawWait };
  /** The file is no signature of the acta. */
  'signature-refused': { acta: number; file: string; error: string };
  /** The acta differs from what an agency has sent. */
  'acta-disputed': { agency: number; acta: number; detail: string };
  'draw-held': {
    bets: number;
    winners: number;
    /** SHA-256 of all rows, in hex. */
    seal: string;
    durationMs: number;
  };
  /** Another server on the same log has held the draw. */
  'draw-followed': { bets: number; winners: number; seal: string };
  'draw-delayed': { error: string };
}>;

type LotteryEvent =
  | DrawEvent
  | Events<{
      /** Log lines were dropped: a full pipe or disk. */
      'log-dropped': { lines: number };
      /** An operator's intervention, on any machine. */
      'done-by-hand': { fact: ByHand };
      'agency-identified': { ip: string; agency: number };
      'bet-stored': { document: string; number: number };
      'batch-stored': { agency: number; count: number };
      'upload-resumed': {
        agency: number;
        upload: string;
        /** Its stored bets. */
        bets: number;
      };
      /** A repeated batch got its first answer again. */
      'batch-repeated': { agency: number; seq: number };
      'bets-refused': { agency: number; single: boolean; count: number };
      'message-refused': {
        ip: string;
        agency?: number | undefined;
        listener?: ListenerName | undefined;
        refusal: Refusal;
      };
      'agency-finished': {
        agency: number;
        missing: number;
        /** The first of the missing ones. */
        waitingFor: readonly number[];
      };
      echo: { ip: string; text: string };
    }>;

/** Validity of all certificates of a file. */
export interface CertificateValidity {
  /** Configuration key of the file. */
  readonly file: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** Sockets, files and process of the server. */
type ResourceEvent =
  | (CertificateValidity & { readonly event: 'certificate-trouble'; readonly trouble: string })
  | StoreEvent
  | Events<{
      listening: { address: string; port: number; dialect: string };
      accepting: object;
      'http-listening': { url: string };
      /** A request with a Host header that is not a name of the server. */
      'http-refused': { ip: string; host: string };
      'connection-accepted': { ip: string };
      'connection-refused': { ip: string; listener: ListenerName; refusal: Refusal };
      /** Every listener speaks TLS. */
      'tls-opened': {
        /** Of the server's certificate. */
        subject: string;
        validities: readonly CertificateValidity[];
        /** Whether agencies must show a certificate. */
        mutual: boolean;
      };
      /** Changed files cannot be used; the previous certificates stay in force. */
      'tls-kept': { error: string };
      'handshake-done': {
        ip: string;
        protocol: string;
        /** Named by the peer's certificate, where one is required. */
        agency: number | undefined;
      };
      'handshake-failed': { ip: string; error: string };
      'connection-cut': {
        ip: string;
        agency?: number | undefined;
        listener?: ListenerName | undefined;
        reason: CloseReason;
        /** Whether the client can resume its upload. */
        resumable?: boolean;
      };
      'connection-error': {
        ip: string;
        listener?: ListenerName | undefined;
        error: string;
        resumable?: boolean;
      };
      'connection-closed': {
        ip: string;
        agency?: number | undefined;
        /** Whether the agency has sent bets on it and not finished. */
        unfinished?: boolean;
        resumable?: boolean;
      };
      'listener-error': { error: string };
      'listener-closed': { port: number };
      'timer-closed': { timer: string };
      /** Recovery truncated a write that was never acknowledged. */
      'tail-cut': {
        file: string;
        bytes: number;
        /** Copy of the tail, where there is one. */
        kept?: string | undefined;
      };
      'store-opened': {
        file: string;
        bets: number;
        /** The agencies that have finished, and the number of those expected. */
        finished: readonly number[];
        expected: number;
        state: LotteryState;
      };
      'file-closed': { file: string };
      failed: { action: string; error: string };
      stopping: { signal: string };
      stopped: object;
    }>;

export type CentralEvent = LotteryEvent | ResourceEvent;

/** Upload of an agency. */
export type UploadEvent = Events<{
  'bet-sent': { document: string; number: number };
  /** `fileBets`: bets of the file; undefined for a pipe. */
  'upload-progress': { bets: number; fileBets: number | undefined };
  /** The central has a part of the file. */
  'upload-resumed': { bets: number };
  /** Bets of a refused batch, in a dialect that continues without them. */
  'bets-refused': {
    count: number;
    /** Unknown for a refusal before this connection. */
    firstLine?: number;
    reason: string;
  };
  /** The upload continues without an invalid batch. */
  'batch-refused': {
    seq: number;
    count: number;
    firstLine: number;
    index: number;
    field: string;
    reason: string;
  };
  /** The process stops before the end of the upload. */
  'upload-stopped': {
    /** Acknowledged. */
    batches: number;
    bets: number;
    /** Sent and not answered. */
    inDoubt: number;
    /** Whether the next start resumes the upload, or repeats it. */
    resumable: boolean;
  };
  'upload-done': { batches: number; bets: number };
  /** A repeated end of the bets was refused: the first one counts. */
  'finish-in-doubt': object;
  'waiting-for-draw': { waitMs?: number };
  /** `error` is the difference to what was sent. */
  'acta-checked': { acta: number; bets: number; sha256: string; error: string | undefined };
  'acta-unchecked': { acta: number; error: string };
  winners: { documents: readonly string[] };
  echo: { text: string };
  'echo-finished': object;
}>;

/** Connection, files and process of an agency. */
export type AgencyProcessEvent = Events<{
  /** Changed files cannot be used; the previous certificates stay in force. */
  'tls-kept': { error: string };
  connecting: {
    attempt: number;
    waitMs: number;
    error: string;
    /** The server, where there are several. */
    address?: string | undefined;
  };
  connected: { address: string };
  /** A connected server sends nothing: it may be serving another agency. */
  'waiting-for-turn': { silentMs: number; hint: string };
  reconnecting: {
    error: string;
    waitMs?: number;
    /** The lost server, where there are several. */
    address?: string | undefined;
  };
  'socket-closed': { address: string };
  'file-closed': { file: string };
  'timer-closed': { timer: string };
  'lines-refused': { count: number };
  failed: { action: string; error: string };
  stopping: { signal: string };
  stopped: object;
}>;

/** An agency's file. */
export type AgencyFileEvent = Events<{
  'line-refused': {
    file: string;
    line: number;
    /** Where the record spans several lines. */
    lastLine?: number | undefined;
    field: string;
    value: string;
    reason: string;
  };
  /** Faults of a kind that are not listed. */
  'more-refused': { file: string; field: string; reason: string; count: number };
  /** The likely cause of `count` faults, and its remedy. */
  'cause-guessed': { file: string; count: number; hint: string };
  'heading-skipped': { file: string };
  /** Invalid lines were skipped and written to `rejected`. */
  'lines-skipped': { count: number; rejected: string };
  'winners-delayed': { file: string; error: string; waitMs: number };
  /** `--check` found no fault. */
  'file-checked': { file: string; bets: number };
}>;

export type AgencyEvent = UploadEvent | AgencyFileEvent | AgencyProcessEvent;
