import parsePrometheusTextFormat, { type Family } from 'parse-prometheus-text-format';

/** What a server says under /metrics, read by somebody else's parser. */
export class Scrape {
  readonly families: ReadonlyMap<string, Family>;

  constructor(text: string) {
    this.families = new Map(parsePrometheusTextFormat(text).map(family => [family.name, family]));
  }

  static async from(url: string): Promise<Scrape> {
    const response = await fetch(`${url}metrics`);
    return new Scrape(await response.text());
  }

  /** The values of a metric by those of its labels, joined with a comma; '' for one without. */
  values(name: string): Record<string, number> {
    const { metrics } = this.#family(name);
    return Object.fromEntries(
      metrics.map(({ labels = {}, value }) => [Object.values(labels).join(), Number(value)]),
    );
  }

  value(name: string): number | undefined {
    return this.values(name)[''];
  }

  histogram(name: string): { count: number; sum: number } {
    const [sample] = this.#family(name).metrics;
    return { count: Number(sample?.count), sum: Number(sample?.sum) };
  }

  #family(name: string): Family {
    const family = this.families.get(name);
    if (family === undefined) throw new Error(`there is no ${name}`);
    return family;
  }
}
