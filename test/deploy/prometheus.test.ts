import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, runTool } from './tool.ts';

const RULES = 'deploy/prometheus/loteria.rules.yml';
const rules = readFileSync(join(ROOT, RULES), 'utf8');
const page = readFileSync(join(ROOT, 'docs/METRICS.md'), 'utf8');

describe('the Prometheus alert rules', () => {
  test('pass promtool check rules', context => {
    const { status, output } = runTool(context, 'promtool', ['check', 'rules', RULES]);
    expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining('SUCCESS') });
  });

  test('fire when their condition is met, and not before', context => {
    const tests = 'test/deploy/loteria.rules.test.yml';
    const { status, output } = runTool(context, 'promtool', ['test', 'rules', tests]);
    expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining('SUCCESS') });
  });

  test('use only metrics of docs/METRICS.md, which lists the same alerts', () => {
    const listed = new Set([...page.matchAll(/^\| `(loteria_\w+)` \|/gm)].map(([, name]) => name));
    const used = [...rules.matchAll(/\bloteria_[a-z_]+/g)].map(([name]) =>
      name.replace(/_bucket$/, ''),
    );
    expect(used.filter(name => !listed.has(name))).toEqual([]);
    const alerts = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => name);
    expect([...page.matchAll(/^\| `(Loteria\w+)` \|/gm)].map(([, name]) => name)).toEqual(alerts);
  });
});
