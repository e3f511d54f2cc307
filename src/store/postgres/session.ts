import { isIP, type Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { Client, DatabaseError, type QueryResultRow } from 'pg';
import { WAITS } from './waits.ts';

/** How the engine is reached. */
export interface Access {
  readonly hosts: readonly Host[];
  readonly database: string;
  /** Undefined: the user of the process. */
  readonly user: string | undefined;
  /** Undefined: `PGPASSWORD`, else `.pgpass`. */
  readonly password: string | undefined;
  readonly tls: (SecureContextOptions & { readonly rejectUnauthorized: boolean }) | undefined;
}

export interface Host {
  readonly host: string;
  readonly port: number;
}

/** `final`: trying again does not help. `unsafe`: a commit is not durable there. */
type Trouble = 'away' | 'unsafe' | 'final';

/** The engine did not do something. What became of a statement that was sent is unknown. */
export class EngineError extends Error {
  readonly trouble: Trouble;

  constructor(message: string, trouble: Trouble = 'away', cause?: unknown) {
    super(message, { cause });
    this.name = 'EngineError';
    this.trouble = trouble;
  }
}

/** Codes that no second try changes: authentication, no such database, a missing privilege. */
const FINAL_CODES: ReadonlySet<unknown> = new Set(['28000', '28P01', '3D000', '42501']);

/** Override what role and database say. */
const SETTINGS = [
  'synchronous_commit = on',
  `statement_timeout = ${WAITS.statementMs}`,
  `lock_timeout = ${WAITS.lockMs}`,
  `idle_in_transaction_session_timeout = ${WAITS.turnMs}`,
  `tcp_user_timeout = ${WAITS.silenceMs}`,
  'client_min_messages = warning',
];

/** A transaction that writes a few bytes of write-ahead log and nothing else. */
export const BARRIER = `SELECT pg_logical_emit_message(true, 'loteria', '')`;

/** One connection to one server of PostgreSQL. It never reconnects: what is durable there was established when it was opened. */
export class Session {
  readonly host: Host;
  readonly name: string;
  onNotification: (payload: string) => void = () => {};
  readonly #client: Client;
  #warnings = 0;

  /** @param name of this process among the connections of a server */
  constructor(host: Host, { database, user, password, tls }: Access, name: string) {
    this.host = host;
    this.name = `${host.host}:${host.port}`;
    this.#client = new Client({
      ...host,
      database,
      user,
      password,
      // Of an address, which is no server name in TLS, the certificate is compared with `host`.
      ssl: tls !== undefined && { ...tls, ...(isIP(host.host) > 0 && { host: host.host }) },
      connectionTimeoutMillis: WAITS.connectMs,
      keepAlive: true,
      application_name: name,
    });
    // The statement that is waiting, or the next one, reports it.
    this.#client.on('error', () => {});
    this.#client.on('notice', () => (this.#warnings += 1));
    this.#client.on('notification', ({ payload = '' }) => this.onNotification(payload));
  }

  /** @throws EngineError (as a rejection), as all below */
  async connect(): Promise<void> {
    await this.#client.connect().catch((error: unknown) => Promise.reject(this.#explain(error)));
    await this.query(SETTINGS.map(setting => `SET ${setting}`).join('; '));
  }

  async query<Row extends QueryResultRow>(
    text: string,
    values?: unknown[],
    limitMs: number = WAITS.statementMs,
  ): Promise<Row[]> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      void this.close();
    }, limitMs);
    // Prepared once for each connection: the plan of a statement takes as long as the statement.
    const statement = values === undefined ? text : { text, values, name: nameOf(text) };
    try {
      return (await this.#client.query<Row>(statement)).rows;
    } catch (error) {
      if (isLate) throw new EngineError(`${this.name} does not answer within ${limitMs / 1000} s`);
      throw this.#explain(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * A statement that commits: fulfilled when the commit is as durable as the server's settings say. A warning means that the
   * wait for a standby was canceled: committed here, perhaps nowhere else. Its text may be translated; there are no others.
   */
  async commit<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    const before = this.#warnings;
    const rows = await this.query<Row>(text, values, WAITS.commitMs);
    if (this.#warnings !== before) throw new EngineError(`${this.name} canceled the wait for a standby`);
    return rows;
  }

  /**
   * Fulfilled when everything is durable that is visible on this server: a commit waits for all write-ahead log before it.
   * What was committed may be visible earlier: its wait was canceled, or the server was restarted during it.
   */
  async barrier(): Promise<void> {
    await this.commit(BARRIER);
  }

  /** Also in the middle of a statement, which is rejected. */
  async close(): Promise<void> {
    const ended = this.#client.end().catch(() => {});
    // A server that hangs does not close its side.
    (this.#client.connection.stream as Socket).destroySoon();
    await ended;
  }

  #explain(error: unknown): EngineError {
    const { message, code } = error as NodeJS.ErrnoException;
    const isFinal = error instanceof DatabaseError && FINAL_CODES.has(code);
    return new EngineError(`${this.name}: ${message || code}`, isFinal ? 'final' : 'away', error);
  }
}

const names = new Map<string, string>();

function nameOf(text: string): string {
  const name = names.get(text) ?? `s${names.size}`;
  names.set(text, name);
  return name;
}
