// Makes dist/ of src/, from nothing: what was removed from src/ does not stay behind. It takes about two seconds. Types are
// checked by `npm run types`.
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { main as compileAssembly } from 'assemblyscript/asc';
import { build } from 'rolldown';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const [, kernelBuilt] = await Promise.all([bundleProgram(), compileKernel()]);
if (!kernelBuilt) process.exit(1);

// A process that starts spends its time on finding and reading files: the modules of each command, and those of the packages
// that it uses, become a few files.
async function bundleProgram() {
  await build({
    cwd: root,
    // The second is run as a process of its own.
    input: { 'cli/main': 'src/cli/start.ts', 'cli/yardstick': 'src/bench/yardstick.ts' },
    platform: 'node',
    tsconfig: false,
    output: {
      dir: dist,
      chunkFileNames: 'cli/[name]-[hash].js',
      // Stack traces name the functions of src/.
      minify: false,
    },
  });
  chmodSync(join(dist, 'cli/main.js'), 0o755);
}

// The hot loop in src/kernel/assembly/ becomes dist/kernel/read-bets.wasm.
async function compileKernel() {
  const options = ['--baseDir', root, '--outFile', 'dist/kernel/read-bets.wasm', '-O3', '--noAssert'];
  const vectors = ['--enable', 'simd'];
  // Nothing is allocated and nothing aborts: no runtime, and no import but the memory, whose size the reader chooses.
  const bare = ['--runtime', 'stub', '--use', 'abort=', '--importMemory'];
  const streams = { stdout: process.stdout, stderr: process.stderr };
  const { error } = await compileAssembly(
    ['src/kernel/assembly/index.ts', ...options, ...vectors, ...bare],
    streams,
  );
  return error === null;
}
