import { isIP, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { Client, DatabaseError, type QueryConfig, type QueryResultRow } from 'pg';
import { StoreError } from '../store.ts';
import { WAITS } from './limits.ts';

/** What an acknowledgement stands for: synced by the primary and a quorum of standbys, or by one machine alone. */
export type SyncMode = 'quorum' | 'single';

/** How the engine is reached. */
export interface Access {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly database: string;
  /** Undefined: the user of the process. */
  readonly user: string | undefined;
  /** Undefined: `PGPASSWORD`, else `.pgpass`. */
  readonly password: string | undefined;
  readonly tls: (SecureContextOptions & { readonly rejectUnauthorized: boolean }) | undefined;
}

/** With a `name` it is prepared, once for each connection. */
export type Statement = QueryConfig;

/** The engine did not answer as it should: the outcome of what was sent is unknown. */
export class EngineError extends StoreError {
  /** `final`: a retry does not help. `unsafe`: a commit is not durable there. */
  readonly trouble: 'away' | 'unsafe' | 'final';

  constructor(message: string, trouble: EngineError['trouble'] = 'away', cause?: unknown) {
    super(trouble === 'final' ? 'unusable' : 'unavailable', message, cause);
    this.trouble = trouble;
  }
}

/** Authentication, no such database, a missing privilege. */
const FINAL_CODES: ReadonlySet<unknown> = new Set(['28000', '28P01', '3D000', '42501']);

/** Override the settings of role and database. */
const SESSION_SETTINGS = `
  SET synchronous_commit = on; SET client_min_messages = warning;
  SET statement_timeout = ${WAITS.answerMs}; SET lock_timeout = ${WAITS.lockMs};
  SET idle_in_transaction_session_timeout = ${WAITS.answerMs}; SET tcp_user_timeout = ${2 * WAITS.answerMs}`;

/** A few bytes of write-ahead log: their commit makes durable what was visible before it. */
export const BARRIER = { name: 'barrier', text: `SELECT pg_logical_emit_message(true, 'loteria', '')` };

const VERSION_MIN = 14;

const SERVER = {
  text: `
    SELECT pg_is_in_recovery() AS is_standby,
      current_setting('server_version_num')::int / 10000 < ${VERSION_MIN} AS is_old`,
};

/** A waiting commit outlives its client: each attempt would leave a backend. */
const END_EARLIER_BARRIERS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = $1 AND pid <> pg_backend_pid() AND wait_event = 'SyncRep' AND query = $2`;

const DURABILITY = {
  name: 'durability',
  text: `
    SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
      current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('synchronous_standby_names') AS standbys`,
};

/** One connection to one server. It never reconnects: what is durable was established when it was opened. */
export class Session {
  readonly name: string;
  onNotification: (payload: string) => void = () => {};
  readonly #client: Client;
  readonly #sync: SyncMode | undefined;
  readonly #socket = new Socket();
  #exchanges = 0;
  #warning: string | undefined;

  /** @param sync undefined for a reader, which waits for no standby */
  constructor(
    host: Access['hosts'][number],
    { tls, ...access }: Access,
    application_name: string,
    sync?: SyncMode,
  ) {
    this.name = `${host.host}:${host.port}`;
    this.#sync = sync;
    this.#client = new Client({
      ...host,
      database: access.database,
      user: access.user,
      password: access.password,
      application_name,
      // TLS has no server name for an IP address: the certificate is compared with `host`.
      ssl: tls !== undefined && { ...tls, ...(isIP(host.host) > 0 && { host: host.host }) },
      connectionTimeoutMillis: WAITS.answerMs,
      keepAlive: true,
      pipeline: true,
      stream: () => this.#socket,
    });
    // The statement that waits, or the next one, reports it.
    this.#client.on('error', () => {});
    this.#client.on('notification', ({ payload = '' }) => this.onNotification(payload));
  }

  /** @throws EngineError (as a rejection, like all below) when it is no primary */
  async connect(): Promise<void> {
    await this.#client.connect().catch((error: unknown) => Promise.reject(this.#explain(error)));
    this.#client.on('notice', ({ message }) => (this.#warning = message));
    const results = await this.exchange<Record<string, boolean>>({ text: SESSION_SETTINGS }, SERVER);
    const { is_old, is_standby } = results[1]![0]!;
    if (is_old) throw new EngineError(`${this.name} is older than PostgreSQL ${VERSION_MIN}`, 'final');
    if (is_standby) throw new EngineError(`${this.name} is a standby`);
  }

  async query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    const [rows] = await this.exchange<Row>({ text, ...(values && { values }) });
    return rows!;
  }

  /**
   * Sends statements in one round trip. Each commits before the next one begins, unless the first is BEGIN. A warning means
   * that the wait for a standby was canceled: committed here, perhaps nowhere else.
   */
  async exchange<Row extends QueryResultRow>(...statements: readonly Statement[]): Promise<Row[][]> {
    const late = new EngineError(`${this.name} does not answer within ${WAITS.answerMs / 1000} s`);
    const timer = setTimeout(() => this.#socket.destroy(late), WAITS.answerMs);
    this.#exchanges += 1;
    try {
      const results = await Promise.all(statements.map(one => this.#client.query<Row>(one)));
      if (this.#warning !== undefined) throw new Error(this.#warning);
      return results.map(({ rows }) => rows);
    } catch (error) {
      throw this.#explain(error);
    } finally {
      clearTimeout(timer);
      this.#exchanges -= 1;
    }
  }

  /**
   * As `exchange`; fulfilled when what was committed is durable. An emptied list of standbys ends the waits for them without a
   * warning, so the settings are read after the commit. A backend is signaled to reload before any wait is ended, and reloads
   * between two statements.
   */
  async commit<Row extends QueryResultRow>(...statements: readonly Statement[]): Promise<Row[][]> {
    const results = await this.exchange<QueryResultRow>(...statements, DURABILITY);
    const [{ standbys, ...settings }] = results.pop() as [Record<string, string>];
    const wrong = Object.entries(settings).find(([, value]) => value !== 'on');
    if (wrong !== undefined)
      throw new EngineError(`${this.name} does not keep what it commits: ${wrong.join(' is ')}`, 'unsafe');
    if (this.#sync === 'quorum' && standbys === '') {
      const why = 'synchronous_standby_names is empty, and STORE_SYNC is quorum';
      throw new EngineError(`${this.name} waits for no standby: ${why}`, 'unsafe');
    }
    return results as Row[][];
  }

  /** Also in the middle of a statement, which is rejected. */
  async close(): Promise<void> {
    const ended = this.#client.end();
    if (this.#exchanges > 0) this.#socket.destroy();
    await ended.catch(() => {});
  }

  #explain(error: unknown): EngineError {
    if (error instanceof EngineError) return error;
    const { message, code } = error as NodeJS.ErrnoException;
    const isFinal = error instanceof DatabaseError && FINAL_CODES.has(code);
    return new EngineError(`${this.name}: ${message || code}`, isFinal ? 'final' : 'away', error);
  }
}

/**
 * Finds the primary among the configured hosts: the first whose synchronous commit returns in time. A former primary that
 * still believes to be one has no standby left and does not get that far.
 *
 * @throws EngineError (as a rejection) with what each host says
 */
export async function findPrimary(access: Access, name: string, sync?: SyncMode): Promise<Session> {
  const errors: EngineError[] = [];
  for (const host of access.hosts) {
    const session = new Session(host, access, name, sync);
    try {
      await session.connect();
      if (sync === undefined) return session;
      await session.commit({ text: END_EARLIER_BARRIERS, values: [name, BARRIER.text] });
      await session.commit(BARRIER);
      return session;
    } catch (error) {
      await session.close();
      if (!(error instanceof EngineError)) throw error;
      errors.push(error);
    }
  }
  const worst = (['final', 'unsafe'] as const).find(trouble =>
    errors.some(error => error.trouble === trouble),
  );
  throw new EngineError(errors.map(({ message }) => message).join('; '), worst, errors[0]);
}
