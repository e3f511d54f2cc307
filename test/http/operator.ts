import { onTestFinished } from 'vitest';
import { OperatorPort } from '../../src/http/operator-port.ts';
import type { Snapshot } from '../../src/http/snapshot.ts';
import type { CentralEvent } from '../../src/observe/events.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { Monitor } from '../../src/observe/monitor.ts';
import type { AgencyStatus, CentralStatus } from '../../src/observe/status.ts';

/** The status of a central with two agencies, with a test's changes. */
export function statusWith(changes: Partial<CentralStatus> = {}): CentralStatus {
  return {
    state: 'open',
    bets: 0,
    expected: 2,
    finished: 0,
    missing: [1, 2],
    agenciesInAll: 2,
    winners: undefined,
    agencies: [agencyWith({ agency: 1 }), agencyWith({ agency: 2 })],
    unsyncedBytes: 0,
    draw: undefined,
    acta: undefined,
    withdrawnActas: [],
    disputes: [],
    ...changes,
  };
}

export function agencyWith(changes: Partial<AgencyStatus> = {}): AgencyStatus {
  return {
    agency: 1,
    bets: 0,
    connections: 0,
    finished: false,
    winners: undefined,
    ...changes,
  };
}

/** An operator's port of a fake central, on a free port. The end of the test stops it. */
export class TestOperator {
  status: CentralStatus = statusWith();
  /** Offset of the port's monotonic clock, in milliseconds. */
  aheadMs = 0;
  /** Offset of the wall clock, in milliseconds. */
  setMs = 0;
  readonly monitor = new Monitor(() => new Date());
  readonly logged: CentralEvent[] = [];
  #port: OperatorPort | undefined;
  #stopped: Promise<void> | undefined;

  static async open(assetsFolder = '/nowhere'): Promise<TestOperator> {
    const operator = new TestOperator();
    const { monitor } = operator;
    operator.#port = await OperatorPort.open({
      host: '127.0.0.1',
      port: 0,
      names: ['Central.example'],
      monitor,
      metrics: new Metrics({ monitor, diskSpace: undefined, version: '1.2.3' }),
      diskSpace: undefined,
      assetsFolder,
      clock: () => new Date(Date.now() + operator.setMs),
      now: () => performance.now() + operator.aheadMs,
      log: event => operator.logged.push(event),
    });
    onTestFinished(() => operator.stop());
    return operator;
  }

  get url(): string {
    return this.#port!.url;
  }

  get port(): number {
    return this.#port!.port;
  }

  serve(): void {
    this.monitor.serve(() => this.status);
    this.#port!.beginCounting();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#port!.stop();
    return this.#stopped;
  }

  get(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.url}${path}`, init);
  }
}

/** A client of the stream. */
export class Page {
  readonly snapshots: Snapshot[] = [];
  readonly ended: Promise<void>;
  readonly response: Response;
  #text = '';

  private constructor(response: Response) {
    this.response = response;
    this.ended = this.#read();
  }

  static async open(url: string): Promise<Page> {
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    return new Page(await fetch(`${url}live`, { signal: leaving.signal }));
  }

  async #read(): Promise<void> {
    try {
      for await (const text of this.response.body!.pipeThrough(new TextDecoderStream()))
        this.#take(text);
    } catch {
      // The test or the server has ended.
    }
  }

  #take(text: string): void {
    const events = (this.#text + text).split('\n\n');
    this.#text = events.pop()!;
    for (const event of events) {
      const data = /^event: snapshot\ndata: (.*)$/.exec(event)?.[1];
      if (data !== undefined) this.snapshots.push(JSON.parse(data) as Snapshot);
    }
  }
}
