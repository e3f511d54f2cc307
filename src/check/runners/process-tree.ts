import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Usage } from '../runner.ts';

/** Unit of processor time in /proc, on every Linux (USER_HZ is 100). */
const TICK_MS = 10;

/** State of a listening socket in /proc/net/tcp. */
const LISTEN = '0A';

/** The ids of a process and of its descendants. */
function processTree(pid: number): number[] {
  const found: number[] = [];
  const open = [pid];
  while (open.length > 0) {
    const next = open.pop()!;
    found.push(next);
    for (const task of listOf(`/proc/${next}/task`)) {
      const children = textOf(`/proc/${next}/task/${task}/children`) ?? '';
      open.push(...children.split(' ').filter(Boolean).map(Number));
    }
  }
  return found;
}

/** Usage of a process tree; undefined if it has ended, or without /proc. */
export function treeUsage(pid: number): Usage | undefined {
  let processorMs = 0;
  let readyMs = 0;
  let memoryPeakBytes = 0;
  for (const member of processTree(pid)) {
    const stat = textOf(`/proc/${member}/stat`);
    const peakKb = /^VmHWM:\s+(\d+) kB/m.exec(textOf(`/proc/${member}/status`) ?? '')?.[1];
    if (stat === undefined || peakKb === undefined) continue;
    // The name in parentheses may contain spaces. Fields 14 to 17 are utime, stime, and those of
    // the waited-for children.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    for (const ticks of fields.slice(11, 15)) processorMs += Number(ticks) * TICK_MS;
    memoryPeakBytes += Number(peakKb) * 1024;
    for (const task of listOf(`/proc/${member}/task`)) {
      // Nanoseconds on a processor, and in its run queue.
      const [, waitedNs = 0] = (textOf(`/proc/${member}/task/${task}/schedstat`) ?? '')
        .split(' ')
        .map(Number);
      readyMs += waitedNs / 1e6;
    }
  }
  return memoryPeakBytes === 0 ? undefined : { processorMs, readyMs, memoryPeakBytes };
}

/**
 * The TCP ports on which a process tree listens. A probing connection would disturb some servers.
 */
export function listeningPorts(pid: number): number[] {
  const inodes = new Set<string>();
  const members = processTree(pid);
  for (const member of members) {
    for (const descriptor of listOf(`/proc/${member}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(
        linkOf(`/proc/${member}/fd/${descriptor}`) ?? '',
      )?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  }
  const ports = new Set<number>();
  for (const table of ['tcp', 'tcp6']) {
    // The table of the process's own network namespace.
    for (const row of (textOf(`/proc/${pid}/net/${table}`) ?? '').split('\n').slice(1)) {
      const fields = row.trim().split(/\s+/);
      if (fields[3] !== LISTEN || !inodes.has(fields[9] ?? '')) continue;
      ports.add(Number.parseInt(fields[1]!.split(':')[1]!, 16));
    }
  }
  return [...ports];
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function listOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
