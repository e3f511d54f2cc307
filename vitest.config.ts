import { defineConfig } from 'vitest/config';

const CLUSTER = 'test/cluster/**/*.test.ts';
const BROWSER = 'test/browser/**/*.test.ts';
const CONTAINERS = 'test/docker/**/*.test.ts';
const HOSTILE = 'test/hostile/**/*.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'program',
          include: ['test/**/*.test.ts'],
          exclude: [BROWSER, CLUSTER, CONTAINERS, HOSTILE],
          // Tests start processes and listen on sockets: no more at the same time than a small machine carries.
          maxWorkers: 2,
          // Some start three servers of a database: on a busy machine that alone takes a minute.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // What a server is about to say: on a busy machine the usual second is not enough.
          expect: { poll: { timeout: 15_000 } },
        },
      },
      {
        test: {
          name: 'hostile',
          include: [HOSTILE],
          // They compare times, so nothing else runs meanwhile.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: [BROWSER],
          // A browser is several busy processes: one at a time, and not beside tests that watch the clock.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 60_000,
          // What a page is about to show: on a busy machine the usual second is not enough.
          expect: { poll: { timeout: 15_000 } },
        },
      },
      {
        test: {
          name: 'cluster',
          include: [CLUSTER],
          // A dozen processes at a time, which watch each other's clocks: nothing else runs meanwhile.
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          // Half a minute on an idle machine; it may not be.
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'containers',
          include: [CONTAINERS],
          globalSetup: 'test/docker/global-setup.ts',
          // The assignment fixes the names of the containers and of the network: there can be one system at a time. It comes
          // after the other tests, which watch the clock.
          fileParallelism: false,
          sequence: { groupOrder: 4 },
          testTimeout: 120_000,
          // Removing ten containers and their volumes.
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
