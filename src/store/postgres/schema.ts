import { StoreError } from '../store.ts';
import { EngineError, type Session } from './session.ts';

/** Version of the tables, in the comment of `lottery`. */
const MARK = 'loteria-nacional, schema 1';

/**
 * Tables, and views for operators. `log` is append-only: nothing to vacuum until its rows are
 * frozen; a trigger rejects changes, also of its owner.
 */
const SCHEMA = `
BEGIN;
SET LOCAL client_min_messages = warning;
DO $$ BEGIN PERFORM pg_advisory_xact_lock(75747574); END $$;
CREATE TABLE IF NOT EXISTS lottery (
  id text PRIMARY KEY, agencies text NOT NULL, begun timestamptz NOT NULL DEFAULT now(),
  head bigint NOT NULL DEFAULT 0, chain bytea NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS log (
  lottery text, position bigint, server text NOT NULL, facts text NOT NULL, rows bytea NOT NULL,
  chain bytea NOT NULL, PRIMARY KEY (lottery, position)
);
DO $$ BEGIN ALTER TABLE log ALTER rows SET COMPRESSION lz4, ALTER facts SET COMPRESSION lz4;
  EXCEPTION WHEN feature_not_supported THEN ALTER TABLE log ALTER COLUMN rows SET STORAGE EXTERNAL; END $$;
ALTER TABLE log SET (autovacuum_vacuum_insert_threshold = -1, toast.autovacuum_vacuum_insert_threshold = -1);
CREATE OR REPLACE FUNCTION log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'the log of a lottery is append-only'; END $$;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log EXECUTE FUNCTION log_is_append_only();
CREATE OR REPLACE VIEW lottery_facts AS
  SELECT lottery, position, server, n, fact->>'kind' AS kind, (fact->>'agency')::int AS agency, fact
  FROM log, jsonb_array_elements(facts::jsonb) WITH ORDINALITY AS f (fact, n);
CREATE OR REPLACE VIEW lottery_agencies AS
  WITH voids AS MATERIALIZED (
    SELECT lottery, agency, position, fact->>'upload' AS upload FROM lottery_facts WHERE kind = 'voided'
  )
  SELECT lottery, agency,
    coalesce(sum((fact->>'count')::bigint) FILTER (WHERE kind = 'stored' AND NOT EXISTS (
      SELECT FROM voids v WHERE v.lottery = f.lottery AND v.agency = f.agency AND v.position > f.position
        AND coalesce(v.upload = fact->'place'->>'upload', v.upload IS NULL)
    )), 0)::bigint AS bets,
    coalesce((array_agg(kind ORDER BY position DESC, n DESC) FILTER (WHERE kind <> 'stored'))[1] = 'finished', false) AS finished
  FROM lottery_facts f WHERE kind IN ('stored', 'finished', 'reopened', 'voided') GROUP BY lottery, agency;
CREATE OR REPLACE VIEW lottery_state AS
  SELECT id AS lottery, coalesce((SELECT a.fact->>'agencies' FROM lottery_facts a
      WHERE a.lottery = id AND a.kind = 'agencies' ORDER BY a.position DESC LIMIT 1), agencies) AS agencies, begun, head AS records,
    (SELECT coalesce(sum(bets), 0)::bigint FROM lottery_agencies a WHERE a.lottery = id) AS bets,
    (SELECT count(*) FROM lottery_agencies a WHERE a.lottery = id AND finished) AS finished,
    fact->'seal'->>'time' AS drawn, fact->'seal'->>'sha256' AS seal
  FROM lottery LEFT JOIN lottery_facts d ON d.lottery = id AND kind = 'drawn';
COMMENT ON TABLE lottery IS '${MARK}';
COMMIT;
`;

/**
 * SQL for the owner of the tables; `role`, of the servers, may append to `log` and not change it.
 */
export function schemaFor(role: string): string {
  const name = `"${role.replaceAll('"', '""')}"`;
  return `${SCHEMA.trim()}
GRANT SELECT, INSERT, UPDATE (head, chain) ON lottery TO ${name};
GRANT SELECT, INSERT ON log TO ${name};
GRANT SELECT ON lottery_facts, lottery_agencies, lottery_state TO ${name};
`;
}

/** In one snapshot: another server may be creating the tables. */
const FIND = `
  SELECT count(*) > 0 AS found, max(obj_description(oid, 'pg_class')) FILTER (WHERE relname = 'lottery') AS mark,
    bool_and(has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
      AND (relname = 'log' OR has_any_column_privilege(oid, 'UPDATE'))) AS granted
  FROM pg_class WHERE relname IN ('lottery', 'log') AND pg_table_is_visible(oid)`;

type Tables = { found: boolean; mark: string | null; granted: boolean };

const HELP = '`loteria schema` prints what their owner runs';

/**
 * @throws StoreError `unusable` (as a rejection) when there are no tables and none can be made, or
 * they cannot be used
 */
export async function expectSchema(session: Session, makeThem: boolean): Promise<void> {
  let [tables] = await session.query<Tables>(FIND);
  if (!tables!.found && makeThem) {
    await session.query(SCHEMA).catch((error: unknown) => {
      if (!(error instanceof EngineError) || error.trouble !== 'final') throw error;
      throw new StoreError('unusable', `the role may not make the tables of a lottery: ${HELP}`);
    });
    [tables] = await session.query<Tables>(FIND);
  }
  const why = faultOf(tables!);
  if (why !== undefined) throw new StoreError('unusable', why);
}

function faultOf({ found, mark, granted }: Tables): string | undefined {
  if (!found) return 'the database has no tables of a lottery; the first server makes them';
  const whose = mark?.startsWith('loteria')
    ? `of another version, ${mark}`
    : 'not those of a lottery';
  if (mark !== MARK)
    return `the tables lottery and log are ${whose}; this program needs ${MARK}, or another database`;
  return granted ? undefined : `the role lacks privileges on the tables lottery and log: ${HELP}`;
}
