// Compiles src/ into dist/, from nothing: what was removed from src/ does not stay behind. The hot loop in src/kernel/assembly/
// becomes dist/kernel/read-bets.wasm. It takes about two seconds.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { main as compileAssembly } from 'assemblyscript/asc';

const root = join(import.meta.dirname, '..');

rmSync(join(root, 'dist'), { recursive: true, force: true });
const built = await Promise.all([buildProgram(), buildKernel()]);
if (built.includes(false)) process.exit(1);
chmodSync(join(root, 'dist/cli/main.js'), 0o755);

async function buildProgram() {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const child = spawn(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  const [status] = await once(child, 'close');
  return status === 0;
}

async function buildKernel() {
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
