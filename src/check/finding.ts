import type { Exercise } from './exercise.ts';

/** Languages of the report. */
export type Language = 'es' | 'en';

export type Text = Readonly<Record<Language, string>>;

/**
 * `advice`: it works, but a teacher will remark on it. `not-checkable`: this machine or this
 * repository lacks something.
 */
export type Verdict = 'ok' | 'advice' | 'fail' | 'not-checkable';

/** What one trial has found. */
export interface Judgement {
  readonly verdict: Verdict;
  /** The observation, in a student's words; for `ok` the measured figures, if any. */
  readonly reason?: Text;
  /** Where to look, without the solution. */
  readonly hint?: Text;
  readonly evidence?: readonly Evidence[];
  /** Why the other checks have nothing to judge. */
  readonly hidesOthers?: Text;
}

export type Evidence = LogEvidence | RowEvidence | TimelineEvidence;

/** Lines of the processes' output. */
export interface LogEvidence {
  readonly kind: 'log';
  readonly title: Text;
  readonly lines: readonly {
    readonly source: string;
    readonly atMs: number;
    readonly text: string;
  }[];
}

/** Rows of a file, or a table of figures. */
interface RowEvidence {
  readonly kind: 'rows';
  readonly title: Text;
  readonly rows: readonly string[];
}

/** An excerpt of a recording. */
export interface TimelineEvidence {
  readonly kind: 'timeline';
  readonly title: Text;
  readonly entries: readonly TimelineEntry[];
}

/** `up` is from a client to the server. */
export type Direction = 'up' | 'down';

/**
 * `open` and `close` of a connection, `data`, the `end` of a direction (half-close), or `omitted`:
 * entries and bytes that the excerpt leaves out.
 */
export interface TimelineEntry {
  readonly kind: 'open' | 'data' | 'end' | 'close' | 'omitted';
  /** Since the lottery was opened. */
  readonly atMs: number;
  /** Numbered from 1 in the order in which they were opened. */
  readonly connection: number;
  readonly client: number;
  readonly direction?: Direction;
  /** Of `data` and `omitted`: all bytes, shown or not. */
  readonly byteCount?: number;
  /** Of `omitted`. */
  readonly entryCount?: number;
  /**
   * The shown bytes, from offset `shownFrom` of the data: `48 6f 6c 61` and `Hola`, with `·` for
   * an unprintable byte.
   */
  readonly hex?: string;
  readonly text?: string;
  readonly shownFrom?: number;
  /** The fault at this entry. */
  readonly note?: Text;
}

/** The result of a check for one exercise. */
export interface Finding extends Judgement {
  readonly check: string;
  readonly exercise: Exercise;
  readonly title: Text;
  readonly why: Text;
  readonly seed: number;
  /** The command that repeats this check. */
  readonly command: string;
  readonly durationMs: number;
  /** With the seed of the reported trial, `failed` of `made` trials failed. */
  readonly trials: { readonly failed: number; readonly made: number };
}

/** The report; the formats are JSON, JUnit, HTML and text. */
export interface Report {
  /** Of the JSON format. */
  readonly version: 1;
  readonly program: string;
  readonly subject: string;
  readonly language: Language;
  readonly seed: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** By name: the runner, the operating system, processors, versions of the tools. */
  readonly environment: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
}

/** This machine or repository lacks what a check needs. */
export class NotCheckable extends Error {
  readonly reason: Text;

  constructor(reason: Text) {
    super(reason.en);
    this.name = 'NotCheckable';
    this.reason = reason;
  }
}

export const OK: Judgement = { verdict: 'ok' };
