import { StoreError } from '../store.ts';
import { EngineError, type Session } from './session.ts';

/** Version of the tables, in the comment of `lottery`. */
const MARK = 'loteria-nacional, schema 1';

/** Tables, and views for operators. `log` is append-only: a trigger refuses also the mistakes of its owner. */
const SCHEMA = `
BEGIN;
SELECT pg_advisory_xact_lock(75747574);
CREATE TABLE IF NOT EXISTS lottery (
  id text PRIMARY KEY,
  agencies text NOT NULL,
  begun timestamptz NOT NULL DEFAULT now(),
  head bigint NOT NULL DEFAULT 0,
  chain bytea NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS log (
  lottery text,
  position bigint,
  server text NOT NULL,
  facts text NOT NULL,
  rows bytea NOT NULL,
  chain bytea NOT NULL,
  PRIMARY KEY (lottery, position)
);
ALTER TABLE log ALTER COLUMN rows SET STORAGE EXTERNAL;
CREATE OR REPLACE FUNCTION log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'the log of a lottery is append-only'; END $$;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log
  EXECUTE FUNCTION log_is_append_only();
CREATE OR REPLACE VIEW lottery_facts AS
  SELECT lottery, position, server, n, fact->>'kind' AS kind, (fact->>'agency')::int AS agency, fact
  FROM log, jsonb_array_elements(facts::jsonb) WITH ORDINALITY AS f (fact, n);
CREATE OR REPLACE VIEW lottery_agencies AS
  SELECT lottery, agency, coalesce(sum((fact->>'count')::bigint), 0)::bigint AS bets,
    bool_or(kind = 'finished') AS finished
  FROM lottery_facts WHERE kind IN ('stored', 'finished') GROUP BY lottery, agency;
CREATE OR REPLACE VIEW lottery_state AS
  SELECT id AS lottery, agencies, begun, head AS records,
    (SELECT coalesce(sum(bets), 0)::bigint FROM lottery_agencies a WHERE a.lottery = id) AS bets,
    (SELECT count(*) FROM lottery_agencies a WHERE a.lottery = id AND finished) AS finished,
    fact->'seal'->>'time' AS drawn, fact->'seal'->>'sha256' AS seal
  FROM lottery LEFT JOIN lottery_facts d ON d.lottery = id AND kind = 'drawn';
COMMENT ON TABLE lottery IS '${MARK}';
COMMIT;
`;

/**
 * The SQL that an owner runs who does not let the servers make tables.
 *
 * @param role of the servers: it may append to `log`, never change it
 */
export function schemaFor(role: string): string {
  const name = `"${role.replaceAll('"', '""')}"`;
  return `${SCHEMA.trim()}
GRANT SELECT, INSERT, UPDATE (head, chain) ON lottery TO ${name};
GRANT SELECT, INSERT ON log TO ${name};
GRANT SELECT ON lottery_facts, lottery_agencies, lottery_state TO ${name};
`;
}

const FIND = `
  SELECT coalesce(to_regclass('lottery'), to_regclass('log')) IS NOT NULL AS found,
    obj_description(to_regclass('lottery'), 'pg_class') AS mark`;

const RIGHTS = `
  SELECT has_table_privilege('lottery', 'SELECT') AND has_table_privilege('lottery', 'INSERT')
    AND has_column_privilege('lottery', 'head', 'UPDATE') AND has_column_privilege('lottery', 'chain', 'UPDATE')
    AND has_table_privilege('log', 'SELECT') AND has_table_privilege('log', 'INSERT') AS granted`;

/**
 * Makes the tables, if there are none and the role may.
 *
 * @throws StoreError `unusable` (as a rejection) when they cannot be made, are not ours, of another version, or not granted
 */
export async function expectSchema(session: Session, makeThem: boolean): Promise<void> {
  let [tables] = await session.query<{ found: boolean; mark: string | null }>(FIND);
  if (!tables!.found && makeThem) {
    await session.commit(SCHEMA).catch((error: unknown) => {
      if (!(error instanceof EngineError) || error.trouble !== 'final') throw error;
      throw unusable(
        'the role may not make the tables of a lottery: `loteria schema` prints what their owner runs',
      );
    });
    [tables] = await session.query(FIND);
  }
  const { found, mark } = tables!;
  if (!found) throw unusable('the database has no tables of a lottery; the first server makes them');
  if (mark !== MARK) {
    const whose =
      mark?.startsWith('loteria') === true ? `of another version, ${mark}` : 'not those of a lottery';
    throw unusable(`the tables lottery and log are ${whose}; this program needs ${MARK}`);
  }
  const [rights] = await session.query<{ granted: boolean }>(RIGHTS);
  if (rights!.granted) return;
  throw unusable(
    'the role lacks privileges on the tables lottery and log: `loteria schema` prints what their owner grants',
  );
}

function unusable(message: string): StoreError {
  return new StoreError('unusable', message);
}
