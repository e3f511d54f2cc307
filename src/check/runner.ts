import type { AgencyInput } from './data.ts';
import type { Exercise } from './exercise.ts';
import type { Text } from './finding.ts';
import type { LinkPlan, ProxyControl } from './proxy-control.ts';

/** Runs the programs of a subject: natively or in Docker. */
export interface Runner {
  readonly kind: 'native' | 'docker';
  /** Versions of the tools, by name, for the report. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Builds what the subject needs, in the temporary copy at `folder`.
   *
   * @throws NotCheckable (as a rejection) when the subject cannot be run here
   */
  prepare(exercise: Exercise, folder: string): Promise<Stage>;
  /** Removes everything that the runner has created. */
  close(): Promise<void>;
}

/** A built exercise of a subject, for any number of lotteries. */
export interface Stage {
  readonly exercise: Exercise;
  /** The temporary copy of the branch. */
  readonly folder: string;
  /** Number of clients in the subject's compose file, and of agencies that its server expects. */
  readonly clients: number;
  open(setup: LotterySetup): Promise<Lottery>;
}

export interface LotterySetup {
  /** Of client 1, 2, …; possibly more or fewer than the server expects. */
  readonly inputs: readonly AgencyInput[];
  /** `batch.maxAmount`; default: the subject's. */
  readonly batchMax?: number;
  /** Whether the clients keep their `loop.period`; default: it is shortened. */
  readonly keepsPeriod?: boolean;
  /** Other values of the clients' `config.yaml`, by path: `loop.amount`. Only in Docker. */
  readonly clientConfig?: Readonly<Record<string, string | number>>;
  /** Other values of the server's `config.ini`, by key. Only in Docker. */
  readonly serverConfig?: Readonly<Record<string, string | number>>;
  /** Of every connection until `ProxyControl.plan` changes it; by default bytes pass unchanged. */
  readonly plan?: LinkPlan;
  /** Whether socket buffers have the system's minimum, so that writes are partial. */
  readonly hasTinyBuffers?: boolean;
}

/** A server, a proxy and clients, isolated from other lotteries. */
export interface Lottery {
  readonly proxy: ProxyControl;
  /**
   * Starts the server, or restarts it with the files that it has left. Resolves when it listens,
   * according to the system: a probing connection could disturb it.
   *
   * @throws StartFailed (as a rejection) when it ends or does not listen within the limit
   */
  startServer(): Promise<Service>;
  /** Starts or restarts client 1, 2, …. Resolves when its process runs. */
  startClient(client: number): Promise<Service>;
  /** The server's `bets.csv`; undefined without one. */
  readBets(): Promise<string | undefined>;
  /** Milliseconds since it was opened; the clock of lines and events. */
  now(): number;
  /** Why this machine cannot run the subject, detected while its programs ran. */
  obstacle?(): Text | undefined;
  close(): Promise<void>;
}

export interface LogLine {
  readonly atMs: number;
  readonly text: string;
}

export interface Exit {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly atMs: number;
}

export interface Usage {
  /** Processor time of the process tree, in user and system mode. */
  readonly processorMs: number;
  /** Time in the run queue; undefined where the system does not report it. */
  readonly readyMs?: number;
  /** Peak resident memory. */
  readonly memoryPeakBytes: number;
}

/** A process of the subject: one start of the server or of a client. */
export interface Service {
  /** `server`, `client1`, … */
  readonly name: string;
  /** Standard output and standard error so far; grows. */
  readonly lines: readonly LogLine[];
  /** Undefined while it runs. */
  readonly exit: Exit | undefined;
  /** Resolves when it has ended and its output was read completely. */
  readonly exited: Promise<Exit>;
  /** Signals the program itself, not its shell. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Current or last values; undefined where the system does not report them. */
  usage(): Promise<Usage | undefined>;
}

export const ENDED = { es: 'terminó enseguida', en: 'it ended at once' };

/** A program of the subject did not start; `lines` is its output. */
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
