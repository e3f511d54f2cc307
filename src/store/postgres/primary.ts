import { type Access, BARRIER, EngineError, Session } from './session.ts';

/** What an acknowledgement stands for: synced by the primary and a quorum of standbys, or by one machine alone. */
export type SyncMode = 'quorum' | 'single';

/**
 * Finds the primary among the configured hosts: the first whose synchronous commit returns in time. A former primary that
 * still believes to be one has no standby left and does not get that far.
 *
 * @param name of this process among the connections of a server
 * @param sync undefined for who only reads, and waits for no standby: of several primaries it takes the one of the newest time line
 * @throws EngineError (as a rejection) with what each host says
 */
export async function findPrimary(access: Access, name: string, sync?: SyncMode): Promise<Session> {
  const errors: EngineError[] = [];
  let newest: { readonly session: Session; readonly timeline: string } | undefined;
  for (const host of access.hosts) {
    const session = new Session(host, access, name);
    try {
      await session.connect();
      await expectPrimary(session, name, sync);
      if (sync !== undefined) return session;
      const [{ timeline }] = (await session.query(TIMELINE)) as [{ timeline: string }];
      const older = newest !== undefined && newest.timeline >= timeline ? session : newest?.session;
      if (older !== session) newest = { session, timeline };
      await older?.close();
    } catch (error) {
      await session.close();
      if (!(error instanceof EngineError)) throw error;
      errors.push(error);
    }
  }
  if (newest !== undefined) return newest.session;
  const troubles = new Set(errors.map(({ trouble }) => trouble));
  const worst = (['final', 'unsafe', 'away'] as const).find(trouble => troubles.has(trouble));
  throw new EngineError(errors.map(({ message }) => message).join('; '), worst, errors[0]);
}

/** Each promotion begins another one. In hexadecimal digits, always as many. */
const TIMELINE = `SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline`;

/** PostgreSQL does not notice that the client of a commit that waits is gone: each try would leave a backend. */
const END_EARLIER_BARRIERS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = $1 AND pid <> pg_backend_pid() AND wait_event = 'SyncRep' AND query = $2`;

async function expectPrimary(session: Session, name: string, sync: SyncMode | undefined): Promise<void> {
  const [found] = await session.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
  if (found!.standby) throw new EngineError(`${session.name} is a standby`);
  if (sync === undefined) return;
  await expectDurable(session, sync);
  await session.query(END_EARLIER_BARRIERS, [name, BARRIER]);
  const [row] = await session.query<{ n: string }>('SELECT count(*) AS n FROM pg_stat_replication');
  await session.barrier().catch((error: Error) => {
    throw new EngineError(`${error.message} to a commit, standbys connected: ${row!.n}`, 'away', error);
  });
  await expectDurable(session, sync);
}

type Settings = Readonly<
  Record<'fsync' | 'full_page_writes' | 'synchronous_commit' | 'standby_names', string>
> & {
  readonly version: number;
};

const VERSION_MIN = 14;

const SETTINGS = `
  SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS standby_names`;

/**
 * Checks what a commit is worth. A reload may change that at any time, and an emptied list of standbys ends the waits for them
 * without a warning: what was committed is acknowledged after this, not before.
 *
 * @throws EngineError (as a rejection) `unsafe`, or `final` for a version that is too old
 */
export async function expectDurable(session: Session, sync: SyncMode): Promise<void> {
  const [settings] = (await session.query(SETTINGS, [])) as [Settings];
  const { name } = session;
  if (settings.version < VERSION_MIN) {
    throw new EngineError(`${name} is older than PostgreSQL ${VERSION_MIN}`, 'final');
  }
  for (const key of ['fsync', 'full_page_writes', 'synchronous_commit'] as const) {
    if (settings[key] === 'on') continue;
    throw new EngineError(`${name} does not keep what it commits: ${key} is ${settings[key]}`, 'unsafe');
  }
  if (sync === 'single' || settings.standby_names !== '') return;
  const why = 'synchronous_standby_names is empty, and STORE_SYNC is quorum';
  throw new EngineError(`${name} waits for no standby: ${why}`, 'unsafe');
}
