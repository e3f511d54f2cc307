import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const BUILD = 'test/support/fresh-build.ts';

/** Tests that start processes: the built program, Python, PostgreSQL, shells. */
const PROCESS = [
  'test/{audit,bench,check,cli,crash,deploy,e2e,peers,promises,scripts,store}/**/*.test.ts',
  // It waits for half a minute for links of 2 kbit/s.
  'test/agency/slow-link.test.ts',
  // It replaces a module of Node.
  'test/central/draw-holder.test.ts',
];
const HOSTILE = ['test/hostile/**/*.test.ts'];
const BROWSER = ['test/browser/**/*.test.ts'];
const CLUSTER = ['test/cluster/**/*.test.ts'];
const DOCKER = ['test/docker/**/*.test.ts'];

/** Files of half a minute and more. They are short, and a clean checkout knows sizes alone. */
const SLOW = /check\/matrix|slow-link|store\/postgres|crash\.test|docker\/cluster/;

/** Begins with the slow files, so that none of them is left alone at the end. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const [slow, others] = [true, false].map(isSlow =>
      files.filter(({ moduleId }) => SLOW.test(moduleId) === isSlow),
    );
    // oxlint-disable-next-line no-array-sort -- it is the sequencer's own
    return [...slow!, ...(await super.sort(others!))];
  }
}

/** On a busy machine, what a process or a page shows next can take longer than the usual second. */
const PATIENT = { poll: { timeout: 15_000 } };

export default defineConfig({
  test: {
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...PROCESS, ...HOSTILE, ...BROWSER, ...CLUSTER, ...DOCKER],
          globalSetup: BUILD,
          // One module graph for all files: loading it anew for each costs as much as the tests do.
          isolate: false,
          maxWorkers: 2,
          testTimeout: 60_000,
          expect: PATIENT,
        },
      },
      {
        test: {
          name: 'process',
          include: PROCESS,
          globalSetup: BUILD,
          sequence: { groupOrder: 1 },
          // They wait for processes and clocks more than they compute.
          maxWorkers: 3,
          // Three PostgreSQL servers alone take a minute to start on a busy machine.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: PATIENT,
        },
      },
      {
        test: {
          name: 'hostile',
          include: HOSTILE,
          globalSetup: BUILD,
          // They compare durations, so nothing else runs at the same time.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: BROWSER,
          globalSetup: BUILD,
          // A browser is several busy processes.
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          testTimeout: 60_000,
          expect: PATIENT,
        },
      },
      {
        test: {
          name: 'cluster',
          include: CLUSTER,
          globalSetup: BUILD,
          // A dozen processes that watch each other's clocks.
          fileParallelism: false,
          sequence: { groupOrder: 4 },
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'docker',
          include: DOCKER,
          globalSetup: [BUILD, 'test/docker/global-setup.ts'],
          // The assignment fixes the names of containers and network: one system at a time.
          fileParallelism: false,
          sequence: { groupOrder: 5 },
          testTimeout: 120_000,
          // Removing ten containers and their volumes.
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
