import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { namesGiven, SHIM_VARIABLE, type ShimConfig, translate } from './docker-names.ts';

/** Run in place of `docker` by a script of the subject. */
const config = JSON.parse(readFileSync(process.env[SHIM_VARIABLE]!, 'utf8')) as ShimConfig;
const args = process.argv.slice(2);
const ownNames = readFileSync(config.journal, 'utf8')
  .split('\n')
  .flatMap(line => (line.startsWith('name ') ? [line.slice(5)] : []));
const names = namesGiven(args).map(name => `name ${name}\n`);
appendFileSync(config.journal, [`command ${args[0] ?? ''}\n`, ...names].join(''));
const child = spawn(config.docker, translate(args, config, ownNames), { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', code => process.exit(code ?? 1));
