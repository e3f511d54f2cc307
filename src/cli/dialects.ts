import { openLineCopier } from '../kernel/open-line-copier.ts';
import { PlainBetReader } from '../kernel/plain-bet-reader.ts';
import type { BetReader, Dialect } from '../wire/dialect.ts';
import type { AgencyProtocol, ListenerDialect } from '../wire/dialect-names.ts';
import { createBaseDialect } from '../wire/dialects/base.ts';
import { createCheckWinDialect } from '../wire/dialects/check-win.ts';
import { createCsvFramesDialect } from '../wire/dialects/csv-frames.ts';
import { createOpCodesDialect } from '../wire/dialects/op-codes.ts';
import { createPushCodesDialect } from '../wire/dialects/push-codes.ts';
import { createResumableDialect } from '../wire/dialects/resumable.ts';

/** The table of dialects. Agencies read no bets, so they need no fast reader. */
export const DIALECTS = {
  base: (bets: BetReader = new PlainBetReader()) => createBaseDialect(bets, openLineCopier),
  resumable: (bets: BetReader = new PlainBetReader()) =>
    createResumableDialect(bets, openLineCopier),
  'push-codes': createPushCodesDialect,
  'check-win': createCheckWinDialect,
  'csv-frames': createCsvFramesDialect,
  'op-codes': createOpCodesDialect,
} as const satisfies Record<AgencyProtocol, (bets?: BetReader) => Dialect>;

export function listenerDialect(name: ListenerDialect, bets: BetReader): Dialect {
  return name === 'tp0' ? DIALECTS.resumable(bets) : DIALECTS[name]();
}

export async function openBetReader(): Promise<BetReader> {
  const kernel = await import('../kernel/open-bet-reader.ts');
  return kernel.openBetReader();
}
