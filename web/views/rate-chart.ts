import uPlot from 'uplot';
import type { SnapshotSecond } from '../../src/http/snapshot.ts';
import type { Locale } from '../locale.ts';

const HEIGHT = 180;

/** Of the label of a time, in pixels. */
const TIME_WIDTH = 64;

/** Smallest maximum of the scale. */
const TOP_MIN = 10;

/** Shortest time that is shown. */
const SECONDS_MIN = 5;

/** Allowed distances between labels, in seconds. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300];

/** Allowed distances between labels, in bets: whole and round. */
const BET_STEPS = Array.from({ length: 9 }, (_, power) =>
  [1, 2, 5].map(digit => digit * 10 ** power),
).flat();

/** The chart of the last minutes. Its content is also on the page as text. */
export class RateChart {
  readonly #plot: uPlot;
  readonly #place: HTMLElement;
  #locale: Locale;

  constructor(place: HTMLElement, locale: Locale) {
    this.#place = place;
    this.#locale = locale;
    this.#plot = new uPlot(this.#options(), [[], []], place);
    new ResizeObserver(() => this.#fit()).observe(place);
    // Colours are read when drawing.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
      this.#plot.redraw(),
    );
  }

  /** @param seconds at least one */
  show(seconds: readonly SnapshotSecond[], locale: Locale): void {
    this.#locale = locale;
    const [first, last] = [seconds[0]!.second, seconds.at(-1)!];
    const end = last.second + 1;
    // A step for each second: the last one ends where a further one would begin.
    const steps = [...seconds, { ...last, second: end }];
    if (end - first < SECONDS_MIN) steps.unshift({ second: end - SECONDS_MIN, bets: 0 });
    this.#plot.setData([steps.map(({ second }) => second), steps.map(({ bets }) => bets)]);
  }

  /** A style of the page, which depends on the color scheme. */
  #style(name: string): string {
    return getComputedStyle(this.#place).getPropertyValue(name);
  }

  /** Empty where the edge of the chart would cut it. */
  #timeLabel({ scales, width }: uPlot, second: number, step: number): string {
    const { min, max } = scales['x']!;
    if (((max! - second) / (max! - min!)) * width < TIME_WIDTH / 2) return '';
    const ms = second * 1000;
    return step < 60 ? this.#locale.time(ms) : this.#locale.minute(ms);
  }

  #fit(): void {
    this.#plot.setSize({ width: this.#place.clientWidth, height: HEIGHT });
  }

  #options(): uPlot.Options {
    const axis: uPlot.Axis = {
      stroke: () => this.#style('--soft'),
      font: `12px ${this.#style('font-family')}`,
      grid: { stroke: () => this.#style('--line'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: this.#place.clientWidth,
      height: HEIGHT,
      padding: [8, 0, 0, 0],
      legend: { show: false },
      // No zoom: each second resets the scale.
      cursor: { show: false },
      scales: {
        x: { range: (_, first, last) => [first, last] },
        y: { range: (_, __, most) => [0, Math.max(most * 1.1, TOP_MIN)] },
      },
      axes: [
        {
          ...axis,
          size: 28,
          space: TIME_WIDTH + 8,
          incrs: TIME_STEPS,
          values: (plot, seconds, _, __, step) =>
            seconds.map(second => this.#timeLabel(plot, second, step)),
        },
        {
          ...axis,
          // Of the longest label, and a gap.
          size: (_, labels) => 14 + 7 * Math.max(...(labels ?? ['']).map(({ length }) => length)),
          space: 28,
          incrs: BET_STEPS,
          values: (_, rates) => rates.map(this.#locale.whole),
        },
      ],
      series: [
        {},
        {
          stroke: () => this.#style('--accent'),
          fill: () => this.#style('--accent-faint'),
          width: 1.5,
          paths: uPlot.paths.stepped!({ align: 1 }),
          points: { show: false },
        },
      ],
    };
  }
}
