import { type Access, BARRIER, EngineError, Session } from './session.ts';

/** What an acknowledgement stands for: synced by the primary and a quorum of standbys, or by one machine alone. */
export type SyncMode = 'quorum' | 'single';

/**
 * Finds the primary among the configured hosts: the first whose synchronous commit returns in time. A former primary that still
 * believes to be one has no standby left and does not get that far.
 *
 * @param isReady what is expected of it; an EngineError counts as the answer of the host
 * @throws EngineError (as a rejection) with what each host says
 */
export async function findPrimary(
  access: Access,
  isReady: (session: Session) => Promise<void>,
): Promise<Session> {
  const errors: EngineError[] = [];
  for (const host of access.hosts) {
    const session = new Session(host, access);
    try {
      await session.connect();
      await isReady(session);
      return session;
    } catch (error) {
      await session.close();
      if (!(error instanceof EngineError)) throw error;
      errors.push(error);
    }
  }
  const troubles = new Set(errors.map(({ trouble }) => trouble));
  const worst = (['final', 'unsafe', 'away'] as const).find(trouble => troubles.has(trouble));
  throw new EngineError(errors.map(({ message }) => message).join('; '), worst, errors[0]);
}

/** PostgreSQL does not notice that the client of a commit that waits is gone: without this, each try would leave a backend. */
const END_EARLIER_BARRIERS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = $1 AND pid <> pg_backend_pid() AND wait_event = 'SyncRep' AND query = $2`;

/** Fulfilled when all that is visible on a primary is durable, and later commits will be. */
export async function expectPrimary(
  session: Session,
  { applicationName }: Access,
  sync: SyncMode,
): Promise<void> {
  await expectWritable(session);
  const standbys = await expectDurable(session, sync);
  await session.query(END_EARLIER_BARRIERS, [applicationName, BARRIER]);
  await session.barrier().catch((error: Error) => {
    throw new EngineError(`${error.message} to a commit, standbys connected: ${standbys}`, 'away', error);
  });
  await expectDurable(session, sync);
}

/** @throws EngineError (as a rejection) when it is a standby */
export async function expectWritable(session: Session): Promise<void> {
  const [found] = await session.query<{ is_standby: boolean }>('SELECT pg_is_in_recovery() AS is_standby');
  if (found!.is_standby) throw new EngineError(`${session.name} is a standby`);
}

interface Settings {
  readonly version: number;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
  readonly synchronous_standby_names: string;
  readonly standbys: number;
}

const VERSION_MIN = 14;

const SETTINGS = `
  SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS synchronous_standby_names,
    (SELECT count(*)::int FROM pg_stat_replication) AS standbys`;

/**
 * Checks what a commit is worth. A reload may change that at any time, and an emptied list of standbys ends the waits for them without a
 * warning: what was committed is acknowledged after this, not before.
 *
 * @returns number of standbys that are connected
 * @throws EngineError (as a rejection) `unsafe`, or `final` for a version that is too old
 */
export async function expectDurable(session: Session, sync: SyncMode): Promise<number> {
  const [settings] = (await session.query(SETTINGS)) as [Settings];
  const fail = (why: string, trouble: 'unsafe' | 'final' = 'unsafe'): never => {
    throw new EngineError(`${session.name} ${why}`, trouble);
  };
  if (settings.version < VERSION_MIN) fail(`is older than PostgreSQL ${VERSION_MIN}`, 'final');
  for (const name of ['fsync', 'full_page_writes', 'synchronous_commit'] as const) {
    if (settings[name] !== 'on') fail(`does not keep what it commits: ${name} is ${settings[name]}`);
  }
  if (sync === 'quorum' && settings.synchronous_standby_names === '') {
    fail('waits for no standby: synchronous_standby_names is empty, and STORE_SYNC is quorum');
  }
  return settings.standbys;
}
