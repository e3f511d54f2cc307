import { openModule } from './wasm-module.ts';

/** Longest chunk of a file, in bytes. */
export const CHUNK_BYTES_MAX = 256 * 1024;
/** Most bytes of fields that are copied at a time: more than the payload of any usual batch. */
export const FIELDS_BYTES_MAX = 64 * 1024;

/** Slack after the chunk that vectors read, and after the fields that they overwrite. */
const SLACK_BYTES = 64;
/**
 * Where the chunk and the fields begin: the module keeps its own few variables outside of the
 * memory.
 */
const CHUNK_START = 0;
const FIELDS_START = CHUNK_BYTES_MAX + SLACK_BYTES;
const MEMORY_BYTES = FIELDS_START + FIELDS_BYTES_MAX + SLACK_BYTES;

/** The functions of `assembly/copy-lines.ts`. */
interface Exports {
  readonly copyLines: (
    this: void,
    from: number,
    end: number,
    delimiter: number,
    to: number,
    toEnd: number,
    countMax: number,
  ) => number;
  readonly getFieldsEnd: (this: void) => number;
  readonly getLinesEnd: (this: void) => number;
}

/** Usual lines of an agency's file become fields of a payload, in WebAssembly with vectors. */
export class WasmLineCopier {
  readonly #chunk: Uint8Array;
  readonly #memory: Uint8Array;
  readonly #exports: Exports;
  #chunkLength = 0;
  #delimiter = 0;

  /**
   * @throws WebAssembly.CompileError when the processor has no vectors
   * @throws RangeError when there is no room for the memory
   */
  constructor() {
    const { memory, exports } = openModule('agency.wasm', MEMORY_BYTES);
    this.#memory = new Uint8Array(memory);
    this.#chunk = this.#memory.subarray(CHUNK_START, CHUNK_START + CHUNK_BYTES_MAX);
    this.#exports = exports as unknown as Exports;
  }

  /**
   * Takes a copy of a chunk of the file, of at most `CHUNK_BYTES_MAX` bytes, and the byte between
   * its fields.
   */
  load(chunk: Uint8Array, delimiter: number): void {
    if (chunk.length > CHUNK_BYTES_MAX)
      throw new RangeError('the chunk is longer than the memory for it');
    this.#chunk.set(chunk);
    this.#chunkLength = chunk.length;
    this.#delimiter = delimiter;
  }

  /**
   * Copies lines of the chunk from `at` on: at most `countMax` whose fields, each bet with a `|`
   * before it, take at most `roomBytes`. It stops before a line that is not usual
   * (`assembly/usual-line.ts`), valid or not.
   *
   * @returns the fields, which lie in the memory until the next call, how many lines they are of,
   *   and the place after these
   */
  copy(
    at: number,
    roomBytes: number,
    countMax: number,
  ): { readonly fields: Uint8Array; readonly count: number; readonly end: number } {
    const { copyLines, getFieldsEnd, getLinesEnd } = this.#exports;
    const fieldsEnd = FIELDS_START + Math.min(roomBytes, FIELDS_BYTES_MAX);
    const count = copyLines(
      at,
      this.#chunkLength,
      this.#delimiter,
      FIELDS_START,
      fieldsEnd,
      countMax,
    );
    return {
      fields: this.#memory.subarray(FIELDS_START, getFieldsEnd()),
      count,
      end: getLinesEnd(),
    };
  }
}
