import { MultiBar, Presets, type SingleBar } from 'cli-progress';

/** Progress of the uploads: bars on a terminal, lines elsewhere. */
export interface UploadProgress {
  /** @param bets number of stored bets of the agency */
  set(agency: number, bets: number): void;
  stop(): void;
}

export function showProgress(
  totals: ReadonlyMap<number, number>,
  output: NodeJS.WriteStream,
): UploadProgress {
  return output.isTTY ? showBars(totals, output) : printLines(totals, output);
}

function showBars(totals: ReadonlyMap<number, number>, output: NodeJS.WriteStream): UploadProgress {
  const bars = new MultiBar(
    {
      stream: output,
      format: 'agency {agency} {bar} {percentage}% | {value} of {total} bets',
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  const barOf = new Map<number, SingleBar>();
  for (const [agency, total] of totals) {
    barOf.set(agency, bars.create(Math.max(total, 1), 0, { agency: String(agency).padStart(3) }));
  }
  return {
    set: (agency, bets) => barOf.get(agency)?.update(bets),
    stop: () => bars.stop(),
  };
}

function printLines(
  totals: ReadonlyMap<number, number>,
  output: NodeJS.WriteStream,
): UploadProgress {
  const printed = new Map<number, number>();
  return {
    set(agency, bets) {
      const total = totals.get(agency) ?? 0;
      const tenths = total === 0 ? 10 : Math.floor((bets / total) * 10);
      if (tenths <= (printed.get(agency) ?? 0)) return;
      printed.set(agency, tenths);
      output.write(`agency ${agency}: ${bets} of ${total} bets\n`);
    },
    stop() {},
  };
}
