import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where `npm run build` puts what it makes of `assembly/`, from a file of `src/kernel/` as well as of `dist/`. */
const FOLDER = join(import.meta.dirname, '../../dist/kernel');

const PAGE_BYTES = 64 * 1024;

/**
 * The functions of a module, `central.wasm` or `agency.wasm`, on a memory of their own. It has its full size from the start, since memory that grows
 * would take the views of it away; what is never written to costs nothing.
 *
 * @throws WebAssembly.CompileError when the processor has no vectors
 * @throws RangeError when there is no room for the memory
 */
export function openModule(
  name: string,
  memoryBytes: number,
): {
  readonly memory: ArrayBuffer;
  readonly exports: Readonly<Record<string, unknown>>;
} {
  const pages = Math.ceil(memoryBytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const module = new WebAssembly.Module(readFileSync(join(FOLDER, name)));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { memory: memory.buffer, exports };
}

/** Opens a reader on a module; undefined where the machine cannot run it. */
export function openWhereItRuns<T>(fast: new () => T): T | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  try {
    return new fast();
  } catch (error) {
    const cannotRun = error instanceof WebAssembly.CompileError || error instanceof RangeError;
    if (!cannotRun) throw error;
    return undefined;
  }
}
