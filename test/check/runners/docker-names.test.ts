import { describe, expect, test } from 'vitest';
import {
  effectOf,
  namesGiven,
  type ShimConfig,
  translate,
} from '../../../src/check/runners/docker-names.ts';

const CONFIG: ShimConfig = {
  docker: '/usr/bin/docker',
  run: 'loteria-check-7-ab',
  labels: { 'loteria-check': 'loteria-check-7-ab' },
  networks: { tp0_testing_net: 'loteria-check-7-ab-ej3-1_default' },
  containers: { server: 'loteria-check-7-ab-ej3-1-server' },
  journal: '/tmp/journal',
};

const translated = (command: string, ownNames: readonly string[] = []): string =>
  translate(command.split(' '), CONFIG, ownNames).join(' ');

describe('the docker shim for scripts of the subject', () => {
  test.each([
    [
      'run --rm --network tp0_testing_net busybox nc server:12345',
      'run --label loteria-check=loteria-check-7-ab --rm --network loteria-check-7-ab-ej3-1_default busybox nc server:12345',
    ],
    [
      'run --network=tp0_testing_net alpine true',
      'run --label loteria-check=loteria-check-7-ab --network=loteria-check-7-ab-ej3-1_default alpine true',
    ],
    [
      'run --network container:server busybox true',
      'run --label loteria-check=loteria-check-7-ab --network container:loteria-check-7-ab-ej3-1-server busybox true',
    ],
    ['exec server cat bets.csv', 'exec loteria-check-7-ab-ej3-1-server cat bets.csv'],
    ['network inspect tp0_testing_net', 'network inspect loteria-check-7-ab-ej3-1_default'],
    [
      'build -t netcat-test ./netcat',
      'build --label loteria-check=loteria-check-7-ab -t loteria-check-7-ab-netcat-test ./netcat',
    ],
    [
      'run --name=probe busybox true',
      'run --label loteria-check=loteria-check-7-ab --name=loteria-check-7-ab-probe busybox true',
    ],
  ])('translates %s to names of this run', (command, expected) => {
    expect(translated(command)).toBe(expected);
  });

  test('translates names that the script has given before', () => {
    expect(namesGiven('build --tag netcat-test .'.split(' '))).toEqual(['netcat-test']);
    expect(translated('run --rm netcat-test', ['netcat-test'])).toBe(
      'run --label loteria-check=loteria-check-7-ab --rm loteria-check-7-ab-netcat-test',
    );
  });

  test.each([
    ['run busybox', 'none'],
    ['network inspect tp0_testing_net', 'none'],
    ['rm -f server', 'ends'],
    ['compose down', 'refused'],
    ['network rm tp0_testing_net', 'refused'],
    ['system prune', 'refused'],
    ['image prune', 'refused'],
    ['--context other rm server', 'refused'],
  ])('rates the effect of %s on other containers as %s', (command, effect) => {
    expect(effectOf(command.split(' '))).toBe(effect);
  });
});
