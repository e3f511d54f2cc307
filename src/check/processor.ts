import { NotCheckable } from './finding.ts';
import type { Lab } from './lab.ts';
import { settle } from './play.ts';
import type { Service } from './runner.ts';

/**
 * Share of time on a processor or in the run queue: near 1 for a busy loop, near 0 for a program
 * that waits.
 */
const BUSY_SHARE = 0.5;

const SAMPLES = 3;
const SAMPLE_MS = 700;

/**
 * The idle programs that use a processor nevertheless, in every sample: in a single one, a program
 * may still be at work.
 *
 * @throws NotCheckable (as a rejection) where the system does not report processor time
 */
export async function busyServices(
  lab: Lab,
  services: readonly Service[],
): Promise<{ readonly service: Service; readonly share: number }[]> {
  lab.say({ es: 'mido el procesador', en: 'measuring the processor' });
  let busy = services.map(service => ({ service, share: 1 }));
  for (let sample = 0; sample < SAMPLES && busy.length > 0; sample += 1) {
    const before = await Promise.all(busy.map(({ service }) => demandMs(service)));
    const startedAtMs = performance.now();
    await settle(lab, SAMPLE_MS);
    const durationMs = performance.now() - startedAtMs;
    const after = await Promise.all(busy.map(({ service }) => demandMs(service)));
    busy = busy
      .map(({ service }, index) => ({
        service,
        share: (after[index]! - before[index]!) / durationMs,
      }))
      .filter(({ share }) => share > BUSY_SHARE);
  }
  return busy;
}

async function demandMs(service: Service): Promise<number> {
  const usage = await service.usage();
  if (usage === undefined && service.exit === undefined) {
    throw new NotCheckable({
      es: 'este sistema no dice cuánto procesador usa un proceso',
      en: 'this system does not tell how much processor time a process uses',
    });
  }
  const { processorMs = 0, readyMs = 0 } = usage ?? {};
  return processorMs + readyMs;
}

export const percent = (share: number): string => `${Math.min(100, Math.round(share * 100))} %`;
