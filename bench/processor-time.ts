import { readFileSync } from 'node:fs';

/** Fields of `/proc/PID/stat` after the name, and their unit. */
const USER_AT = 11;
const SYSTEM_AT = 12;
const TICKS_PER_SECOND = 100;

/** Processor time of a process with all its threads, on Linux. */
export function processorSeconds(pid: number | undefined): number | undefined {
  try {
    const [, afterName = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(/\) (?=[^)]*$)/);
    const fields = afterName.split(' ');
    const ticks = Number(fields[USER_AT]) + Number(fields[SYSTEM_AT]);
    return Number.isNaN(ticks) ? undefined : ticks / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}
