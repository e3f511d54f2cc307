import { hostname, userInfo } from 'node:os';
import { ActaFolder } from '../audit/acta-folder.ts';
import { ConfigError } from '../config/errors.ts';
import { readLotteryConfig } from '../config/server-config.ts';
import { LOTTERY_WINNER_NUMBER } from '../lottery/catedra.ts';
import { formatAgencies, parseAgencies } from '../lottery/agency-ranges.ts';
import type { Intervention, ByHand } from '../lottery/fact.ts';
import type { Lottery } from '../lottery/lottery.ts';
import { StoreError } from '../store/store.ts';
import { describeByHand } from './by-hand.ts';
import { EXIT } from './exit-codes.ts';
import type { ConfiguredStore, LotteryConfig } from './stores/configured-store.ts';
import { storeOf } from './stores/store-of.ts';
import { complain, say } from './output.ts';

/** The acta de cierre includes it. */
const REASON_LENGTH_MAX = 200;

export interface AgencyOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export interface ChangeOptions {
  readonly config?: string;
  readonly reason: string;
  readonly upload?: string;
}

/** `loteria agency list` */
export async function listAgencies(
  directory: string | undefined,
  options: AgencyOptions,
): Promise<number> {
  const store = await storeOf(readLotteryConfig(options.config, directory));
  const { lottery } = await store.read();
  const agencies = [...new Set([...lottery.agencies, ...lottery.finished])].map(agency => ({
    agency,
    expected: lottery.expects(agency),
    finished: lottery.hasFinished(agency),
    bets: lottery.bets.get(agency) ?? 0,
    uploads: [
      ...lottery.uploads.of(agency).map(({ name, bets, isComplete }) => ({
        name,
        bets,
        state: isComplete ? 'complete' : 'open',
      })),
      ...lottery.uploads.voidedOf(agency).map(name => ({ name, bets: 0, state: 'void' })),
    ],
    betsOutsideUploads: lottery.betsOutsideUploads(agency),
  }));
  if (options.json) {
    say(JSON.stringify({ state: lottery.state, agencies, byHand: lottery.interventions }));
    return EXIT.done;
  }
  say('agency      bets  state     uploads');
  for (const { agency, bets, uploads, betsOutsideUploads, ...row } of agencies) {
    const state = row.finished ? 'finished' : 'open';
    const listed = uploads.map(
      ({ name, bets: count, state: of }) => `${name} (${of}, bets: ${count})`,
    );
    if (betsOutsideUploads > 0) listed.push(`no upload (open, bets: ${betsOutsideUploads})`);
    const note = row.expected ? '' : '  not expected';
    say(
      `${String(agency).padStart(6)}${String(bets).padStart(10)}  ${state.padEnd(10)}${listed.join(', ')}${note}`,
    );
  }
  for (const fact of lottery.interventions) say(describeByHand(fact));
  return EXIT.done;
}

/** `loteria agency reopen` */
export function reopenAgency(
  agency: number,
  directory: string | undefined,
  options: ChangeOptions,
): Promise<number> {
  return change(directory, options, (lottery, intervention) => {
    if (!lottery.hasFinished(agency) && lottery.uploads.voidedOf(agency).length === 0)
      throw cannot(`agency ${agency} has not finished, and no upload of it is void`);
    return { kind: 'reopened', agency, intervention };
  });
}

/** `loteria agency void` */
export function voidAgency(
  agency: number,
  directory: string | undefined,
  options: ChangeOptions,
): Promise<number> {
  const { upload } = options;
  return change(directory, options, (lottery, intervention) => {
    const uploads = lottery.uploads.of(agency);
    const found = uploads.find(({ name }) => name === upload);
    if (upload !== undefined && found === undefined) {
      const names = uploads.map(({ name }) => name).join(', ') || 'none';
      throw cannot(`agency ${agency} has no upload ${upload}; it has ${names}`);
    }
    const bets = (upload === undefined ? lottery.bets.get(agency) : found?.bets) ?? 0;
    if (bets === 0 && uploads.length === 0 && !lottery.hasFinished(agency))
      throw cannot(`agency ${agency} has sent nothing`);
    const names = upload === undefined ? uploads.map(({ name }) => name) : undefined;
    return { kind: 'voided', agency, upload, uploads: names, bets, intervention };
  });
}

/** `loteria agencies set` */
export function setAgencies(
  list: string,
  directory: string | undefined,
  options: ChangeOptions,
): Promise<number> {
  const ids = parseAgencies(list);
  if (!Array.isArray(ids))
    throw new ConfigError(
      `'${list}' is not a list of agencies such as 1-5,7${ids ? `: ${ids}` : ''}`,
    );
  const agencies = formatAgencies(ids);
  return change(directory, options, (lottery, intervention) => {
    if (lottery.state === 'complete')
      throw cannot('every agency has finished, and the draw is held');
    if (agencies === formatAgencies(lottery.expected))
      throw cannot(`the agencies are ${agencies} already`);
    // An agency that is not expected cannot ask for its winners.
    const removed = [...lottery.bets].find(
      ([agency, bets]) => bets > 0 && lottery.expects(agency) && !ids.includes(agency),
    );
    if (removed !== undefined) {
      const [agency, bets] = removed;
      throw cannot(
        `agency ${agency} has ${bets} bets, which would take part in the draw while it is not expected; ` +
          `run 'loteria agency void ${agency} --reason "…"' first`,
      );
    }
    return { kind: 'agencies', agencies, intervention };
  });
}

async function change(
  directory: string | undefined,
  { config: path, reason }: ChangeOptions,
  decide: (lottery: Lottery, intervention: Intervention) => ByHand,
): Promise<number> {
  if (
    /^\s*$/.test(reason) ||
    /[\p{Cc}\p{Zl}\p{Zp}]/u.test(reason) ||
    reason.length > REASON_LENGTH_MAX
  )
    throw new ConfigError(
      `--reason takes a line of text of at most ${REASON_LENGTH_MAX} characters`,
    );
  let done: ByHand | undefined;
  const config = readLotteryConfig(path, directory);
  const store = await storeOf(config);
  const kept = await store.intervene(lottery => {
    if (lottery.state === 'drawn') throw cannot('the draw has been held');
    const time = new Date().toISOString();
    return (done = decide(lottery, { reason, by: `${userInfo().username}@${hostname()}`, time }));
  });
  say(describeByHand(done!));
  for (const name of kept) say(`kept: ${name}`);
  // With files no server is running, so this command writes the actas.
  if (store.files.length > 0) await keepActas(config, store);
  return EXIT.done;
}

async function keepActas({ dataDirectory }: LotteryConfig, store: ConfiguredStore): Promise<void> {
  const { lottery, begun } = await store.read();
  const trouble = await new ActaFolder(dataDirectory, begun, LOTTERY_WINNER_NUMBER).write(lottery);
  if (trouble === undefined) return;
  const { file, error } = trouble;
  complain(`done; but ${file} cannot be written, ${error}; the next start writes it`);
}

function cannot(why: string): StoreError {
  return new StoreError('unusable', `nothing was done: ${why}`);
}
