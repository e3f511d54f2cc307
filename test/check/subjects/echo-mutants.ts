import type { Mutant } from './mutant.ts';

const GENERATOR = 'generar-compose.sh';
const VALIDATOR = 'validar-echo-server.sh';
const SERVER = 'server/main.py';
const CLIENT = 'client/main.py';

/** Faults in exercises 1 to 4, which only a run in Docker detects. */
export const ECHO_MUTANTS: readonly Mutant[] = [
  {
    name: 'five-clients-always',
    why: 'The generator was tried with the number of the assignment alone.',
    patches: [{ file: GENERATOR, find: '[ "$client" -le "$2" ]', replace: '[ "$client" -le 5 ]' }],
    expected: { compose: 'fail' },
  },
  {
    name: 'container-names',
    why: 'The containers have names that look better than client1, client2, …',
    patches: [
      {
        file: GENERATOR,
        find: '\n  client$client:\n    container_name: client$client\n',
        replace: '\n  cliente$client:\n    container_name: cliente$client\n',
      },
    ],
    expected: { compose: 'fail' },
  },
  {
    name: 'answer-in-upper-case',
    why: 'It shows that the server has read the message, and is no echo.',
    patches: [
      {
        file: SERVER,
        find: '        connection.sendall(line)\n',
        replace: '        connection.sendall(line.upper())\n',
      },
      {
        file: CLIENT,
        find: 'answer == message',
        replace: 'answer == message.upper()',
      },
    ],
    expected: { echo: 'fail', netcat: 'fail' },
  },
  {
    name: 'one-client',
    why: 'The loop that accepts the next client is forgotten.',
    patches: [
      {
        file: SERVER,
        find: '            self.connection = None\n',
        replace: '            self.connection = None\n            break\n',
      },
    ],
    expected: { echo: 'fail' },
  },
  {
    name: 'config-in-the-image',
    why: 'The file is copied into the image, so that the container finds it.',
    patches: [
      {
        file: GENERATOR,
        find: '    volumes:\n      - ./server/config.ini:/config.ini\n',
        replace: '',
      },
    ],
    expected: { config: 'fail' },
  },
  {
    name: 'amount-fixed',
    why: 'The number of messages of the assignment is in the program.',
    patches: [{ file: CLIENT, find: 'int(setting(config, "loop.amount")) + 1', replace: '6' }],
    expected: { config: 'fail' },
  },
  {
    name: 'validator-always-succeeds',
    why: 'The script was tried with a server that works.',
    patches: [
      {
        file: VALIDATOR,
        find: 'action: test_echo_server | result: fail',
        replace: 'action: test_echo_server | result: success',
      },
    ],
    expected: { netcat: 'fail' },
  },
  {
    name: 'port-published',
    why: 'A published port is what one needs to try netcat from the host.',
    patches: [
      {
        file: GENERATOR,
        find: '    image: server:latest\n',
        replace: '    image: server:latest\n    ports:\n      - 127.0.0.1::12345\n',
      },
    ],
    expected: { netcat: 'fail' },
  },
  {
    name: 'no-handler',
    why: 'On the own machine SIGTERM ends a program that has no handler, in a container it does not.',
    patches: [
      {
        file: SERVER,
        find: '        signal.signal(signal.SIGTERM, self.on_sigterm)\n',
        replace: '',
      },
    ],
    expected: { sigterm: 'fail' },
  },
];
