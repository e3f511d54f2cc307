import { readFileSync } from 'node:fs';

/** Where the times stand behind a process's name in `stat`, and their unit: Linux tells everybody hundredths of a second. */
const USER_AT = 11;
const SYSTEM_AT = 12;
const TICKS_PER_SECOND = 100;

/** For how many seconds a process has had a processor, all its threads together; undefined where the system does not tell. */
export function processorSeconds(pid: number | undefined): number | undefined {
  try {
    const [, behindName = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(/\) (?=[^)]*$)/);
    const fields = behindName.split(' ');
    const ticks = Number(fields[USER_AT]) + Number(fields[SYSTEM_AT]);
    return Number.isNaN(ticks) ? undefined : ticks / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}
