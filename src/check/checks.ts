import type { Check } from './check.ts';
import { batches } from './checks/batches.ts';
import { compose } from './checks/compose.ts';
import { concurrency } from './checks/concurrency.ts';
import { config } from './checks/config.ts';
import { drawRule } from './checks/draw-rule.ts';
import { echo } from './checks/echo.ts';
import { logGrammar } from './checks/log-grammar.ts';
import { memory } from './checks/memory.ts';
import { netcat } from './checks/netcat.ts';
import { outcome } from './checks/outcome.ts';
import { peerGone } from './checks/peer-gone.ts';
import { privacy } from './checks/privacy.ts';
import { secondRun } from './checks/second-run.ts';
import { shortReads } from './checks/short-reads.ts';
import { shortWrites } from './checks/short-writes.ts';
import { sigterm } from './checks/sigterm.ts';
import { waiting } from './checks/waiting.ts';

/** Every check, in the order of the report. */
export const CHECKS: readonly Check[] = [
  outcome,
  shortReads,
  shortWrites,
  privacy,
  drawRule,
  sigterm,
  peerGone,
  batches,
  concurrency,
  waiting,
  secondRun,
  memory,
  compose,
  echo,
  config,
  netcat,
  logGrammar,
];
