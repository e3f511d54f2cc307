/**
 * The part of WebAssembly's interface that the kernel uses. TypeScript has it only among the things
 * of a browser.
 */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  /** Throws a RangeError when there is no room for it. */
  const Memory: new (pages: { initial: number; maximum: number }) => Memory;

  interface Module {}
  /** Throws a CompileError when the machine cannot run what is in the module. */
  const Module: new (bytes: Uint8Array) => Module;

  interface Instance {
    readonly exports: Readonly<Record<string, unknown>>;
  }
  const Instance: new (
    module: Module,
    imports: Record<string, Record<string, unknown>>,
  ) => Instance;

  const CompileError: new (message: string) => Error;
}
