import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Metrics } from '../../src/observe/metrics.ts';
import { Monitor } from '../../src/observe/monitor.ts';
import { DISK_READINGS, ENGINE_READINGS, READINGS } from '../../src/observe/readings.ts';
import { Scrape } from '../support/scrape.ts';

const DOCS = join(import.meta.dirname, '../../docs');

async function scraped(
  options: {
    monitor?: Monitor;
    diskSpace?: () => Promise<{ freeBytes: number; totalBytes: number }>;
  } = {},
) {
  const { monitor = new Monitor(() => new Date()), diskSpace } = options;
  const metrics = new Metrics({ monitor, diskSpace, version: '1.2.3' });
  metrics.onDurable(12, 3456);
  return new Scrape(await metrics.text());
}

const withEngine = () => new Monitor(() => new Date(), { hasEngine: true });

/** With a disk and an engine. */
const onDisk = (monitor = withEngine()) =>
  scraped({ monitor, diskSpace: async () => ({ freeBytes: 1000, totalBytes: 4000 }) });

describe('the metrics', () => {
  test('are exactly those of docs/METRICS.md, with the same types and help', async () => {
    const page = readFileSync(join(DOCS, 'METRICS.md'), 'utf8');
    const rows = [
      ...page.matchAll(/^\| `((?:loteria|process|nodejs)_\w+)` \| (\w+) \| .* \| (.*) \|$/gm),
    ];
    const documented = rows.map(([, name, type, help]) => `${name} ${type} ${help}`);
    const { families } = await onDisk();
    const exposed = [...families.values()].map(
      ({ name, type, help }) => `${name} ${type.toLowerCase()} ${help}`,
    );
    expect(documented.toSorted()).toEqual(exposed.toSorted());
  });

  test('have the labels of docs/METRICS.md', () => {
    const page = readFileSync(join(DOCS, 'METRICS.md'), 'utf8');
    for (const { name, label } of [...READINGS, ...DISK_READINGS, ...ENGINE_READINGS]) {
      const labels = label === undefined ? '' : `\`${label}\``;
      expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\| \\w+ \\| ${labels} \\|`, 'm'));
    }
  });

  test('follow Prometheus conventions: counters end in _total, units are base units', async () => {
    const { families } = await onDisk();
    for (const { name, type } of families.values()) {
      if (!name.startsWith('loteria_')) continue;
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'COUNTER']);
      expect(name).not.toMatch(/_(?:ms|milliseconds|kb|mb|kilobytes|megabytes|percent)(?:_|$)/);
    }
  });

  test('record sync duration and bytes of each group', async () => {
    const scrape = await onDisk();
    expect(scrape.histogram('loteria_sync_duration_seconds')).toEqual({ count: 1, sum: 0.012 });
    expect(scrape.value('loteria_synced_bytes_total')).toBe(3456);
  });

  test('have no disk metric without a disk, and NaN when it does not answer', async () => {
    const without = await scraped();
    expect([...without.families.keys()].filter(name => name.includes('disk'))).toEqual([]);
    const diskSpace = () => Promise.reject(new Error('EIO'));
    expect((await scraped({ diskSpace })).value('loteria_disk_free_bytes')).toBeNaN();
    expect((await onDisk()).value('loteria_disk_free_bytes')).toBe(1000);
  });

  test('report the availability of the engine only if there is one', async () => {
    expect([...(await scraped()).families.keys()].filter(name => name.includes('engine'))).toEqual(
      [],
    );
    const monitor = withEngine();
    expect((await onDisk(monitor)).value('loteria_engine_available')).toBe(1);
    monitor.onEvent({ event: 'engine-unavailable', error: 'TIMEOUT', isUnsafe: false });
    expect((await onDisk(monitor)).value('loteria_engine_available')).toBe(0);
  });

  test('report that the store is being recovered', async () => {
    const scrape = await scraped();
    const states = { recovering: 1, open: 0, complete: 0, closed: 0, drawn: 0 };
    expect(scrape.values('loteria_draw_state')).toEqual(states);
    expect(scrape.value('loteria_ready')).toBe(0);
    expect(scrape.values('loteria_build_info')).toEqual({ '1.2.3': 1 });
  });
});

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

test('docs/grafana-dashboard.json uses only existing metrics, and all of the lottery', async () => {
  const { families } = await onDisk();
  const names = [...families.values()].flatMap(({ name, type }) =>
    type === 'HISTOGRAM' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  const text = readFileSync(join(DOCS, 'grafana-dashboard.json'), 'utf8');
  const { panels } = JSON.parse(text) as Dashboard;
  const asked = panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(?:loteria|process|nodejs)_\w+/g) ?? []),
  );
  expect(asked.filter(name => !names.includes(name))).toEqual([]);
  for (const { title, targets } of panels)
    expect([title, targets.length > 0]).toEqual([title, true]);
  const missing = names.filter(name => name.startsWith('loteria_') && !text.includes(name));
  expect(missing).toEqual(['loteria_sync_duration_seconds_sum']);
});
