import { isIP, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { Client, type QueryConfig, type QueryResultRow } from 'pg';
import { wordsFor } from '../../files/system-error.ts';
import { StoreError } from '../store.ts';
import { WAITS } from './limits.ts';

/** An acknowledgement means: synced by the primary and a quorum of standbys, or by one machine. */
export type SyncMode = 'quorum' | 'single';

type Host = Access['hosts'][number];

export interface Access {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly database: string;
  /** Undefined: the user of the process. */
  readonly user: string | undefined;
  /** Undefined: `PGPASSWORD`, else `.pgpass`. */
  readonly password: string | undefined;
  readonly tls: (SecureContextOptions & { readonly rejectUnauthorized: boolean }) | undefined;
}

/** Prepared once for each connection where it has a `name`. */
export type Statement = QueryConfig;

/** An engine error: the outcome of the statement is unknown. */
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

const NO_ANSWER =
  'does not answer as PostgreSQL; it hangs or was ended, or another program is there (SERVER_STORE)';

/** Errors of the client library before a session is open. */
const WORDS: Readonly<Record<string, string>> = {
  'timeout expired': NO_ANSWER,
  'Connection terminated unexpectedly': NO_ANSWER,
};

const VERSION_MIN = 14;

/** A timeline is a fixed number of hexadecimal digits; each promotion begins the next one. */
const SERVER = `
  SELECT current_setting('server_version_num')::int / 10000 < ${VERSION_MIN} AS is_old,
    CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline`;

/** A few bytes of write-ahead log: their commit makes earlier commits durable. */
export const BARRIER = `SELECT pg_logical_emit_message(true, 'loteria', '')`;

/** A commit that waits outlives its client: each attempt would leave a backend. */
const END_EARLIER_WAITS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = $1 AND pid <> pg_backend_pid() AND wait_event = 'SyncRep'`;

const DURABILITY = {
  name: 'durability',
  text: `
    SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
      current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('synchronous_standby_names') AS standbys`,
};

/**
 * One connection to one server. It never reconnects: its durability was established when it was
 * opened.
 */
export class Session {
  readonly host: Host;
  readonly name: string;
  timeline = '';
  onNotification: (payload: string) => void = () => {};
  readonly #client: Client;
  readonly #sync: SyncMode | undefined;
  readonly #socket = new Socket();
  #exchanges = 0;
  #warning: string | undefined;

  /** @param sync undefined: commits wait for nothing */
  constructor(
    host: Host,
    { hosts: _hosts, tls, ...access }: Access,
    application_name: string,
    sync?: SyncMode,
  ) {
    this.host = host;
    this.name = `${host.host}:${host.port}`;
    this.#sync = sync;
    const commit = sync === undefined ? 'off' : 'on';
    this.#client = new Client({
      ...host,
      ...access,
      application_name,
      // Overrides the settings of role and database.
      options: `-c synchronous_commit=${commit} -c client_min_messages=warning -c tcp_user_timeout=${2 * WAITS.answerMs}`,
      statement_timeout: WAITS.answerMs,
      lock_timeout: WAITS.lockMs,
      idle_in_transaction_session_timeout: WAITS.answerMs,
      connectionTimeoutMillis: WAITS.answerMs,
      // TLS has no server name for an IP address: the certificate is compared with `host`.
      ssl: tls !== undefined && { ...tls, ...(isIP(host.host) > 0 && { host: host.host }) },
      keepAlive: true,
      pipeline: true,
      stream: () => this.#socket,
    });
    // The statement that waits, or the next one, reports it.
    this.#client.on('error', () => {});
    this.#client.on('notification', ({ payload = '' }) => this.onNotification(payload));
  }

  /**
   * @throws EngineError (as a rejection, like all below) when it is no primary; the caller closes
   * it
   */
  async connect(): Promise<void> {
    await this.#client.connect().catch((error: unknown) => Promise.reject(this.#explain(error)));
    this.#client.on('notice', ({ message }) => (this.#warning = message));
    const [server] = await this.query<{ is_old: boolean; timeline: string | null }>(SERVER);
    if (server!.is_old)
      throw new EngineError(`${this.name} is older than PostgreSQL ${VERSION_MIN}`, 'final');
    if (server!.timeline === null) throw new EngineError(`${this.name} is a standby`);
    this.timeline = server!.timeline;
  }

  async query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    const [rows] = await this.exchange<Row>({ text, ...(values && { values }) });
    return rows!;
  }

  /**
   * Pipelines statements. Each commits before the next one begins, unless the first is BEGIN. A
   * warning means that the wait for a standby was canceled: committed here, perhaps nowhere else.
   */
  exchange<Row extends QueryResultRow>(...statements: readonly Statement[]): Promise<Row[][]> {
    return this.#send<Row>('answer', statements);
  }

  async #send<Row extends QueryResultRow>(
    act: string,
    statements: readonly Statement[],
  ): Promise<Row[][]> {
    const late = (): EngineError =>
      new EngineError(`${this.name} does not ${act} within ${WAITS.answerMs / 1000} s`);
    const timer = setTimeout(() => this.#socket.destroy(late()), WAITS.answerMs);
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
   * As `exchange`; fulfilled when the commits are durable. An emptied list of standbys ends their
   * waits without a warning, so the settings are read after the commit: a backend is signaled to
   * reload before any wait ends, and reloads between two statements.
   */
  async commit<Row extends QueryResultRow>(...statements: readonly Statement[]): Promise<Row[][]> {
    const results = await this.#send('commit', [...statements, DURABILITY]);
    const [{ standbys, ...settings }] = results.pop() as [Record<string, string>];
    const wrong = Object.entries(settings).find(([, value]) => value !== 'on');
    if (wrong !== undefined)
      throw new EngineError(
        `${this.name} does not keep what it commits: ${wrong.join(' is ')}`,
        'unsafe',
      );
    if (this.#sync === 'quorum' && standbys === '') {
      const why = 'synchronous_standby_names is empty, and STORE_SYNC is quorum';
      throw new EngineError(`${this.name} waits for no standby: ${why}`, 'unsafe');
    }
    return results as Row[][];
  }

  /** Also in the middle of a statement, which is rejected. */
  async close(): Promise<void> {
    const ended = this.#client.end().catch(() => {});
    // A server that hangs does not close its side.
    if (this.#exchanges > 0) this.#socket.destroy();
    else this.#socket.destroySoon();
    await ended;
  }

  #explain(error: unknown): EngineError {
    if (error instanceof EngineError) return error;
    const { message, code } = error as NodeJS.ErrnoException;
    const lacksPassword = message.includes('client password must be a string');
    const why = lacksPassword
      ? 'asks for a password: set PGPASSWORD, or add it to .pgpass'
      : (WORDS[message] ?? wordsFor(code) ?? (message || code));
    const isFinal = lacksPassword || message.includes('not support SSL') || FINAL_CODES.has(code);
    return new EngineError(`${this.name}: ${why}`, isFinal ? 'final' : 'away', error);
  }
}

/**
 * Finds the primary. With `sync` it is the first host whose synchronous commit returns in time: a
 * fenced primary has no standby left. Without, it is the one of the newest timeline.
 *
 * @throws EngineError (as a rejection) with the error of each host
 */
export async function findPrimary(access: Access, name: string, sync?: SyncMode): Promise<Session> {
  const errors: EngineError[] = [];
  let newest: Session | undefined;
  for (const host of access.hosts) {
    const session = new Session(host, access, name, sync);
    try {
      await session.connect();
      if (sync !== undefined) {
        await session.commit({ text: END_EARLIER_WAITS, values: [name] });
        await session.commit({ text: BARRIER });
        return session;
      }
      const isNewer = newest === undefined || session.timeline > newest.timeline;
      await (isNewer ? newest : session)?.close();
      if (isNewer) newest = session;
    } catch (error) {
      await session.close();
      if (!(error instanceof EngineError)) throw error;
      errors.push(error);
    }
  }
  if (newest !== undefined) return newest;
  const troubles = errors.map(({ trouble }) => trouble);
  const worst = (['final', 'unsafe'] as const).find(trouble => troubles.includes(trouble));
  throw new EngineError(errors.map(({ message }) => message).join('; '), worst, errors[0]);
}
