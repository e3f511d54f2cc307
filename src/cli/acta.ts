import { readFile } from 'node:fs/promises';
import { AgencyError } from '../agency/errors.ts';
import type { LineFault } from '../agency/batcher.ts';
import { checkFile } from '../agency/file-check.ts';
import { RowDigester, type RowsDigest } from '../agency/rows-digest.ts';
import { compare, notChecked, ok } from '../audit/check.ts';
import { ConfigError } from '../config/errors.ts';
import { unreadable } from '../config/files.ts';
import { readActa, SHA256_OF_NOTHING } from '../lottery/acta.ts';
import type { Encoding } from '../lottery/encoding.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { DIALECTS } from './dialects.ts';
import { tellChecks } from './tell-checks.ts';

export interface ActaCheckOptions {
  readonly acta: string;
  readonly agency: number;
  readonly file: string;
  readonly delimiter: number;
  readonly encoding: Encoding;
}

/** `loteria acta check` */
export async function checkActa(options: ActaCheckOptions): Promise<number> {
  const { agency } = options;
  const text = await readFile(options.acta, 'utf8').catch((error: unknown) => {
    throw unreadable(options.acta, error);
  });
  const acta = readActa(text);
  if (acta === undefined) throw new ConfigError(`${options.acta} is not an acta de cierre`);
  const listed = acta.agencies.get(agency) ?? { count: 0, sha256: SHA256_OF_NOTHING };
  let refused = 0;
  const found = await digestFile(options, ({ lines, isHeading }) => {
    if (!isHeading) refused += lines;
  });
  return tellChecks([
    ok('acta', `acta ${acta.number} of lottery ${acta.lottery}, closed ${acta.closed}`),
    refused === 0
      ? ok('invalid lines', '0')
      : notChecked('invalid lines', `${refused}, which an upload skips`),
    compare(`bets of agency ${agency}`, listed.count, found.bets),
    compare(`SHA-256 of agency ${agency}`, listed.sha256, found.sha256),
  ]);
}

async function digestFile(
  { file: path, agency, delimiter, encoding }: ActaCheckOptions,
  refuse: (fault: LineFault) => void,
): Promise<RowsDigest> {
  const digester = new RowDigester(
    agency,
    DIALECTS.resumable().agency(DEFAULT_LIMITS, agency).batch,
  );
  try {
    const { signal } = new AbortController();
    const { bets } = await checkFile({ path, delimiter, encoding }, digester, refuse, signal);
    if (bets === undefined) throw new ConfigError(`${path} is not a regular file`);
    return digester.digest;
  } catch (error) {
    if (!(error instanceof AgencyError)) throw error;
    throw unreadable(path, error.cause);
  }
}
