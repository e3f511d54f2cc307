import type { AgencyInput } from './data.ts';
import type { Exercise } from './exercise.ts';
import type { Text } from './finding.ts';
import type { LinkPlan, ProxyControl } from './proxy-control.ts';

/** How the programs of a subject are run: natively or in Docker. One shape for both. */
export interface Runner {
  readonly kind: 'native' | 'docker';
  /** Name and value for the report: versions of what is used. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Builds what the subject needs, in the temporary copy at `folder`.
   *
   * @throws NotCheckable (as a rejection) when the subject cannot be run here
   */
  prepare(exercise: Exercise, folder: string): Promise<Stage>;
  /** Removes everything that it has made. */
  close(): Promise<void>;
}

/** An exercise of a subject, ready to be run many times. */
export interface Stage {
  readonly exercise: Exercise;
  /** The temporary copy of the branch. */
  readonly folder: string;
  /** How many clients the subject's compose file has, which is how many its server waits for. */
  readonly clients: number;
  open(setup: LotterySetup): Promise<Lottery>;
}

export interface LotterySetup {
  /** Of client 1, 2, …; there may be fewer or more than the server waits for. */
  readonly inputs: readonly AgencyInput[];
  /** `batch.maxAmount`; what the subject has configured when not given. */
  readonly batchMax?: number;
  /** Whether the clients keep their own `loop.period`, which a run shortens otherwise. */
  readonly keepsPeriod?: boolean;
  /** Other values of the clients' `config.yaml`, by path: `loop.amount`. Only in Docker. */
  readonly clientConfig?: Readonly<Record<string, string | number>>;
  /** Other values of the server's `config.ini`, by key. Only in Docker. */
  readonly serverConfig?: Readonly<Record<string, string | number>>;
  /**
   * Of every connection until `ProxyControl.plan` says otherwise; passes everything on when not
   * given.
   */
  readonly plan?: LinkPlan;
  /**
   * The system's socket buffers as small as they get, so that a write takes less than it was given.
   */
  readonly hasTinyBuffers?: boolean;
}

/** One system of server, proxy and clients in a folder or network of its own. */
export interface Lottery {
  readonly proxy: ProxyControl;
  /**
   * Starts the server, again after it has ended: it finds its files as it has left them.
   * Resolves when it listens, which is read from the system, never tried by a connection.
   *
   * @throws StartFailed (as a rejection) when it ends or does not listen within the limit
   */
  startServer(): Promise<Service>;
  /** Starts client 1, 2, …, again after it has ended. Resolves when its process runs. */
  startClient(client: number): Promise<Service>;
  /** The server's `bets.csv`; nothing when there is none. */
  readBets(): Promise<string | undefined>;
  /** Milliseconds since it was opened: the time of all lines and bytes. */
  now(): number;
  /** Why this machine cannot run the subject, as far as its programs have shown: no fault of it. */
  obstacle?(): Text | undefined;
  close(): Promise<void>;
}

export interface LogLine {
  readonly atMs: number;
  readonly text: string;
}

export interface Exit {
  /** Nothing when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly atMs: number;
}

export interface Usage {
  /** Processor time of the process and all that it has started, in user and system mode. */
  readonly processorMs: number;
  /** How long it was ready and others had the processor; where the system tells. */
  readonly readyMs?: number;
  /** The most memory that was resident at any time. */
  readonly memoryPeakBytes: number;
}

/** A process of the subject: the server or a client, one start of it. */
export interface Service {
  /** `server`, `client1`, … */
  readonly name: string;
  /** Standard output and standard error, growing. */
  readonly lines: readonly LogLine[];
  /** When it has ended. */
  readonly exit: Exit | undefined;
  /** Resolves when it has ended and its last line was read. */
  readonly exited: Promise<Exit>;
  /** To the process that the command became; `SIGSTOP` and `SIGCONT` as well. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Now, or the last values of one that has ended. Nothing where the system does not tell. */
  usage(): Promise<Usage | undefined>;
}

export const ENDED = { es: 'terminó enseguida', en: 'it ended at once' };

/** A program of the subject did not start; `lines` is what it wrote. */
export class StartFailed extends Error {
  readonly service: string;
  readonly why: Text;
  readonly lines: readonly LogLine[];

  constructor(service: string, why: Text, lines: readonly LogLine[]) {
    super(`${service}: ${why.en}`);
    this.why = why;
    this.name = 'StartFailed';
    this.service = service;
    this.lines = lines;
  }
}
