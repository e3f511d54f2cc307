// A reporter of vitest for scripts/test.mjs: counts every test into the file that COUNTS_FILE
// names, and says of each test that was skipped why.
import { writeFileSync } from 'node:fs';

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      // A file that cannot be loaded has no tests, and counts as a failure.
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        counts[state] += 1;
        if (state === 'skipped')
          console.log(`skipped: ${test.fullName} (${note ?? 'not for this machine'})`);
      }
    }
    writeFileSync(process.env.COUNTS_FILE, JSON.stringify(counts));
  }
}
