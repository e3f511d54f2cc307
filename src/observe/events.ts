import type { Acta, ByHand } from '../lottery/fact.ts';
import type { LotteryState } from '../lottery/lottery.ts';
import type { StoreEvent } from '../store/store.ts';
import type { DrawWait } from './status.ts';
import type { Refusal } from '../wire/refusal.ts';

/**
 * What happens, as facts. The central and the agency tell them to whoever is given to them; the log, the metrics and the
 * page make of them what they need, and nobody else imports those.
 */
export type Emit<Event> = (event: Event) => void;

/** Agencies that a line of the log lists at most: an event costs the same however many there are. */
export const AGENCIES_LISTED_MAX = 20;

/** Why a connection was closed by this side without a message being at fault. */
export const CLOSE_REASONS = [
  'first-message-timeout',
  'message-timeout',
  'idle',
  'unread-answers',
  'too-much-held',
  'truncated',
] as const;

export type CloseReason = (typeof CLOSE_REASONS)[number];

/** The port that a peer came to, and what is spoken there. */
export interface ListenerName {
  readonly port: number;
  readonly dialect: string;
}

/** What happens between the last agency's end and the winners. */
export type DrawEvent =
  /** The acta de cierre is in the log. */
  | { readonly event: 'closed'; readonly acta: Acta; readonly sha256: string }
  /** The draw waits, until then or for a signature. */
  | { readonly event: 'draw-waits'; readonly acta: number; readonly wait: DrawWait }
  /** What is in the file is no signature of the acta. */
  | {
      readonly event: 'signature-refused';
      readonly acta: number;
      readonly file: string;
      readonly error: string;
    }
  /** The acta is not of what an agency has sent. */
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

/** What happens to the lottery. */
type LotteryEvent =
  | DrawEvent
  /** By an operator's command, on another machine perhaps. */
  /** Lines of the log were lost: nobody read them, or there was no room. */
  | { readonly event: 'log-dropped'; readonly lines: number }
  | { readonly event: 'done-by-hand'; readonly fact: ByHand }
  | { readonly event: 'agency-identified'; readonly ip: string; readonly agency: number }
  | { readonly event: 'bet-stored'; readonly document: string; readonly number: number }
  | { readonly event: 'batch-stored'; readonly agency: number; readonly count: number }
  | {
      readonly event: 'upload-resumed';
      readonly agency: number;
      readonly upload: string;
      /** Those of it that are stored. */
      readonly bets: number;
    }
  /** A batch of an upload came again; its first answer was given again. */
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

/** From when and until when the certificates of a file are all valid. */
export interface CertificateValidity {
  /** The key of the configuration that names the file. */
  readonly file: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** What happens to the server's sockets, files and process. */
export type ResourceEvent =
  | { readonly event: 'listening'; readonly address: string; readonly port: number; readonly dialect: string }
  | { readonly event: 'accepting' }
  /** The operator's port is there. */
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
      /** Whom the server's certificate names. */
      readonly subject: string;
      /** How long the certificates of each file are valid. */
      readonly validities: readonly CertificateValidity[];
      /** Whether agencies must show a certificate. */
      readonly mutual: boolean;
    }
  /** The files were changed and cannot be used: those that were read before stay in force. */
  | { readonly event: 'tls-kept'; readonly error: string }
  | (CertificateValidity & { readonly event: 'certificate-trouble'; readonly trouble: string })
  | {
      readonly event: 'handshake-done';
      readonly ip: string;
      readonly protocol: string;
      /** Whom the peer's certificate speaks for, where one is asked for. */
      readonly agency: number | undefined;
    }
  /** A peer that is not served, for it speaks no TLS or its certificate is not accepted. */
  | { readonly event: 'handshake-failed'; readonly ip: string; readonly error: string }
  | {
      readonly event: 'connection-cut';
      readonly ip: string;
      readonly agency?: number | undefined;
      readonly listener?: ListenerName | undefined;
      readonly reason: CloseReason;
      /** Whether an upload broke off that can be gone on with: nothing is given up then. */
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
      /** The agency has sent bets over it and not yet said that these were all. */
      readonly unfinished?: boolean;
      readonly resumable?: boolean;
    }
  | { readonly event: 'listener-error'; readonly error: string }
  | { readonly event: 'listener-closed'; readonly port: number }
  | { readonly event: 'timer-closed'; readonly timer: string }
  /** The rest of a write that was never acknowledged was cut off a file. */
  | {
      readonly event: 'tail-cut';
      readonly file: string;
      readonly bytes: number;
      /** A copy of what was cut off, where there is one. */
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

/** What an agency does and is told. */
type UploadEvent =
  | { readonly event: 'bet-sent'; readonly document: string; readonly number: number }
  | {
      readonly event: 'upload-progress';
      readonly bets: number;
      readonly fileBytesRead: number;
      readonly fileBytes: number;
    }
  /** The central has part of the file already. */
  | { readonly event: 'upload-resumed'; readonly bets: number }
  /** Bets of a batch that the central did not take, in a dialect that goes on without them. */
  | {
      readonly event: 'bets-refused';
      readonly count: number;
      /** Unknown where they were refused before this connection. */
      readonly firstLine?: number;
      readonly reason: string;
    }
  /** The central found a bet of a batch not valid; the upload goes on without the batch. */
  | {
      readonly event: 'batch-refused';
      readonly seq: number;
      readonly count: number;
      readonly firstLine: number;
      readonly index: number;
      readonly field: string;
      readonly reason: string;
    }
  /** The process was asked to stop before everything was sent. */
  | {
      readonly event: 'upload-stopped';
      /** What was acknowledged. */
      readonly batches: number;
      readonly bets: number;
      /** Bets that were sent and not answered. */
      readonly inDoubt: number;
      /** Whether the next start resumes the upload; it sends everything again where not. */
      readonly resumable: boolean;
    }
  | { readonly event: 'upload-done'; readonly batches: number; readonly bets: number }
  /** The end of the bets was refused when it was repeated: the first one had arrived. */
  | { readonly event: 'finish-in-doubt' }
  | { readonly event: 'waiting-for-draw'; readonly waitMs?: number }
  /** The acta de cierre was compared with what was sent; `error` is the difference. */
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

/** What happens to an agency's connection, files and process. */
export type AgencyProcessEvent =
  /** The files of TLS were changed and cannot be used: those that were read before stay in force. */
  | { readonly event: 'tls-kept'; readonly error: string }
  | {
      readonly event: 'connecting';
      readonly attempt: number;
      readonly waitMs: number;
      readonly error: string;
      /** Of which server, where there are several. */
      readonly address?: string | undefined;
    }
  | { readonly event: 'connected'; readonly address: string }
  /** The server has accepted the connection and says nothing: it may serve another agency. */
  | { readonly event: 'waiting-for-turn'; readonly silentMs: number; readonly hint: string }
  | {
      readonly event: 'reconnecting';
      readonly error: string;
      readonly waitMs?: number;
      /** The server that was lost, where there are several. */
      readonly address?: string | undefined;
    }
  | { readonly event: 'socket-closed'; readonly address: string }
  | { readonly event: 'file-closed'; readonly file: string }
  | { readonly event: 'timer-closed'; readonly timer: string }
  | { readonly event: 'lines-refused'; readonly count: number }
  | { readonly event: 'failed'; readonly action: string; readonly error: string }
  | { readonly event: 'stopping'; readonly signal: string }
  | { readonly event: 'stopped' };

/** What is found in an agency's file. */
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
  /** Further faults of a kind, which are not listed. */
  | {
      readonly event: 'more-refused';
      readonly file: string;
      readonly field: string;
      readonly reason: string;
      readonly count: number;
    }
  /** The likely cause of `count` faults, and what mends it. */
  | { readonly event: 'cause-guessed'; readonly file: string; readonly count: number; readonly hint: string }
  | { readonly event: 'heading-skipped'; readonly file: string }
  /** Lines that are no bets were left out of the upload and written to `rejected`. */
  | { readonly event: 'lines-skipped'; readonly count: number; readonly rejected: string }
  /** The documents of the winners cannot be written now. */
  | {
      readonly event: 'winners-delayed';
      readonly file: string;
      readonly error: string;
      readonly waitMs: number;
    }
  /** `--check` found nothing wrong. */
  | { readonly event: 'file-checked'; readonly file: string; readonly bets: number };

export type AgencyEvent = UploadEvent | AgencyFileEvent | AgencyProcessEvent;
