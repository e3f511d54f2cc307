import parsePrometheusTextFormat, { type Family } from 'parse-prometheus-text-format';

/** A server's `/metrics`, read by an independent parser. */
export class Scrape {
  readonly families: ReadonlyMap<string, Family>;

  constructor(text: string) {
    this.families = new Map(parsePrometheusTextFormat(text).map(family => [family.name, family]));
  }

  static async from(url: string): Promise<Scrape> {
    const response = await fetch(`${url}metrics`);
    return new Scrape(await response.text());
  }

  /** Values of a metric by its label values, joined with commas; '' without labels. */
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
