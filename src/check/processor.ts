import type { Lab } from './lab.ts';
import { settle } from './play.ts';
import type { Service } from './runner.ts';

/** A program that burns a processor gets at least this part of one, also beside others; one that waits needs next to nothing. */
const BUSY_SHARE = 0.35;

const SAMPLES = 3;
const SAMPLE_MS = 700;

/**
 * Which of some programs, which have nothing to do, use a processor all the time: in every sample, for each may be in the
 * middle of something in one of them.
 */
export async function busyServices(
  lab: Lab,
  services: readonly Service[],
): Promise<{ readonly service: Service; readonly share: number }[]> {
  lab.say({ es: 'mido el procesador', en: 'measuring the processor' });
  let busy = services.map(service => ({ service, share: 1 }));
  for (let sample = 0; sample < SAMPLES && busy.length > 0; sample += 1) {
    const before = await Promise.all(busy.map(({ service }) => processorMs(service)));
    const startedAtMs = performance.now();
    await settle(lab, SAMPLE_MS);
    const durationMs = performance.now() - startedAtMs;
    const after = await Promise.all(busy.map(({ service }) => processorMs(service)));
    busy = busy
      .map(({ service }, index) => ({ service, share: (after[index]! - before[index]!) / durationMs }))
      .filter(({ share }) => share > BUSY_SHARE);
  }
  return busy;
}

const processorMs = async (service: Service): Promise<number> => (await service.usage())?.processorMs ?? 0;

export const percent = (share: number): string => `${Math.round(share * 100)} %`;
