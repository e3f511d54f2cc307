import type { Draw } from '../../src/lottery/draw.ts';
import type { Seal } from '../../src/lottery/fact.ts';
import type { Store } from '../../src/store/store.ts';

/** Appends the draw of all bets of a store. */
export async function sealDraw(
  store: Store,
  draw: Draw,
  time = '1970-01-01T00:00:00.000Z',
): Promise<Seal> {
  const { bytes, sha256 } = await store.digest();
  await store.note({ kind: 'drawn', draw, seal: { bytes, sha256, time } });
  return { bytes, sha256, time };
}
