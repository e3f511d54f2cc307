import { MultiBar, type Options, type Params } from 'cli-progress';
import { inLocale } from '../config/locale.ts';
import { sum, whole } from './counts.ts';

/** Work in parts, each with a name and a number that it counts up to. */
export type Parts = ReadonlyMap<string, number>;

/** How far each part of some work is. */
export interface Progress {
  /** @param done in the unit of the totals */
  set(part: string, done: number): void;
  stop(): void;
}

/** Lines of a terminal that are kept for the text above the bars. */
const ROWS_ABOVE = 4;
const BAR_COLUMNS_MIN = 4;
const BAR_COLUMNS_MAX = 40;

const ALL = 'all agencies';

/**
 * Progress of the uploads: a bar per agency, or one for all where the terminal has too few lines; a
 * line per tenth where there is no terminal.
 */
export function showUploads(parts: Parts, output: NodeJS.WriteStream): Progress {
  if (output.isTTY && parts.size + ROWS_ABOVE <= output.rows) return showBars(parts, output);
  const all = sum(parts.values());
  const progress = output.isTTY
    ? showBars(new Map([[ALL, all]]), output)
    : printTenths(all, output);
  const done = new Map<string, number>();
  return {
    set(part, bets) {
      done.set(part, bets);
      progress.set(ALL, sum(done.values()));
    },
    stop: () => progress.stop(),
  };
}

/** Bars of a short preparation, removed at its end; without a terminal, nothing. */
export function showPreparation(parts: Parts, output: NodeJS.WriteStream): Progress {
  return showBars(parts, output, { clearOnComplete: true });
}

function showBars(parts: Parts, output: NodeJS.WriteStream, options: Options = {}): Progress {
  const nameColumns = Math.max(...[...parts.keys()].map(name => name.length));
  const countColumns = Math.max(...[...parts.values()].map(total => whole(total).length));
  const bars = new MultiBar({
    stream: output,
    format: (_, params, payload: { name: string }) =>
      formatBar(payload.name.padEnd(nameColumns), params, countColumns),
    // Off, it would stay off after the program is killed.
    linewrap: true,
    ...options,
  });
  const barOf = new Map(
    [...parts].map(([name, total]) => [name, bars.create(total, 0, { name })] as const),
  );
  return {
    set: (part, done) => barOf.get(part)?.update(done),
    stop: () => bars.stop(),
  };
}

/** A line that is not wider than the terminal, without a bar if there is no room for one. */
function formatBar(
  name: string,
  { value, total, maxWidth }: Pick<Params, 'value' | 'total' | 'maxWidth'>,
  countColumns: number,
): string {
  const part = total === 0 ? 1 : Math.min(value / total, 1);
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  const [done, of] = [value, total].map(count => whole(count).padStart(countColumns));
  const text = `${percent}  ${done} of ${of}`;
  const columns = Math.min(BAR_COLUMNS_MAX, maxWidth - name.length - text.length - 2);
  if (columns < BAR_COLUMNS_MIN) return `${name} ${text}`;
  const full = Math.floor(part * columns);
  return inLocale(`${name} ${'█'.repeat(full)}${'░'.repeat(columns - full)} ${text}`);
}

function printTenths(total: number, output: NodeJS.WriteStream): Progress {
  let printed = 0;
  return {
    set(_, bets) {
      const tenths = Math.floor((bets / total) * 10);
      // NaN without bets.
      if (!(tenths > printed)) return;
      printed = tenths;
      output.write(`uploaded: ${whole(bets)} of ${whole(total)}\n`);
    },
    stop() {},
  };
}
