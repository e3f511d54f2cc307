import uPlot from 'uplot';
import type { RatePoint } from '../recent-rate.ts';

const HEIGHT = 180;

/** Smallest maximum of the scale. */
const TOP_MIN = 10;

/** Allowed distances between labels, in seconds. */
const MINUTES = [60, 120, 300];

export interface ChartTexts {
  readonly minute: (second: number) => string;
  readonly whole: (number: number) => string;
}

/** The chart of the last minutes. Its content is also on the page as text. */
export class RateChart {
  readonly #plot: uPlot;
  readonly #place: HTMLElement;
  #texts: ChartTexts;

  constructor(place: HTMLElement, texts: ChartTexts) {
    this.#place = place;
    this.#texts = texts;
    this.#plot = new uPlot(this.#options(), [[], []], place);
    new ResizeObserver(() => this.#fit()).observe(place);
    // Colours are read when drawing.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
      this.#plot.redraw(),
    );
  }

  show(points: readonly RatePoint[], texts: ChartTexts): void {
    this.#texts = texts;
    this.#plot.setData([points.map(point => point.second), points.map(point => point.bets)]);
  }

  /** A style of the page, which depends on the color scheme. */
  #style(name: string): string {
    return getComputedStyle(this.#place).getPropertyValue(name);
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
      padding: [8, 12, 0, 0],
      legend: { show: false },
      // No zoom: each second resets the scale.
      cursor: { show: false },
      scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, TOP_MIN)] } },
      axes: [
        {
          ...axis,
          size: 28,
          space: 44,
          incrs: MINUTES,
          values: (_, seconds) => seconds.map(second => this.#texts.minute(second)),
        },
        {
          ...axis,
          size: 64,
          space: 36,
          values: (_, rates) => rates.map(rate => this.#texts.whole(rate)),
        },
      ],
      series: [
        {},
        {
          stroke: () => this.#style('--accent'),
          fill: () => this.#style('--accent-faint'),
          width: 1.5,
          points: { show: false },
        },
      ],
    };
  }
}
