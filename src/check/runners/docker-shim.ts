import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { effectOf, namesGiven, REFUSED, type ShimConfig, translate } from './docker-names.ts';

/**
 * Replaces `docker` for a script of the subject. Its first argument is the path of its
 * configuration.
 */
const [configFile, ...given] = process.argv.slice(2) as [string, ...string[]];
const config = JSON.parse(readFileSync(configFile, 'utf8')) as ShimConfig;
const ownNames = readFileSync(config.journal, 'utf8')
  .split('\n')
  .flatMap(line => (line.startsWith('name ') ? [line.slice(5)] : []));
const args = translate(given, config, ownNames);
const effect = effectOf(given);
if (effect === 'refused' || (effect === 'ends' && !targetsOf(args).every(isOwn))) {
  appendFileSync(config.journal, `${REFUSED} docker ${given.join(' ')}\n`);
  process.exit(1);
}
appendFileSync(
  config.journal,
  namesGiven(given)
    .map(name => `name ${name}\n`)
    .join(''),
);
const child = spawn(config.docker, args, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', code => process.exit(code ?? 1));

/** Targets of a command that ends something. */
function targetsOf([, ...rest]: readonly string[]): string[] {
  return rest.filter(arg => !arg.startsWith('-'));
}

function isOwn(container: string): boolean {
  const [label] = Object.keys(config.labels);
  try {
    const format = `{{index .Config.Labels "${label}"}}`;
    const value = execFileSync(
      config.docker,
      ['container', 'inspect', '--format', format, container],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    return value.trim() === config.labels[label!];
  } catch {
    // An unknown name: nothing can be affected.
    return true;
  }
}
