import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { temporaryFolder } from '../support/temp-folder.ts';
import { generate, ROOT } from './shell.ts';

interface Service {
  readonly container_name: string;
  readonly image: string;
  readonly environment: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly restart?: string;
}

interface Compose {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: unknown;
  readonly volumes?: unknown;
}

const CONFIG = './client/config.yaml:/config.yaml:ro,z';

async function composed(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Compose> {
  const folder = await temporaryFolder();
  const { status, stderr } = generate(folder, ['out.yaml', ...args], env);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return parse(await readFile(join(folder, 'out.yaml'), 'utf8')) as Compose;
}

describe('generar-compose.sh', () => {
  test('reports the file that it has written, even with spaces in its name', async () => {
    const folder = await temporaryFolder();
    expect(generate(folder, ['my file.yaml', '3'])).toEqual({
      status: 0,
      stdout:
        'Generating configuration file my file.yaml with 3 client(s)...\n' +
        'The file my file.yaml with 3 client(s) was generated successfully.\n',
      stderr: '',
    });
    expect(await readdir(folder)).toEqual(['my file.yaml']);
  });

  test('writes project, network, server and clients with the names of the assignment', async () => {
    const { name, services, networks } = await composed(['2', 'ej8']);
    expect(name).toBe('tp0');
    expect(networks).toEqual({
      testing_net: { ipam: { driver: 'default', config: [{ subnet: '172.25.125.0/24' }] } },
    });
    const client = (id: number) => ({
      container_name: `client${id}`,
      image: 'client:latest',
      environment: [`CLI_ID=${id}`],
      networks: ['testing_net'],
      depends_on: ['server'],
      volumes: [CONFIG, `./.data/dataset/agency-${id}.csv:/agency.csv:ro,z`],
    });
    expect(services).toEqual({
      server: {
        container_name: 'server',
        image: 'server:latest',
        environment: [
          'NUMBER_AGENCIES=2',
          'HTTP_PORT=8080',
          'HTTP_HOST=0.0.0.0',
          'HTTP_NAMES=server',
        ],
        ports: ['127.0.0.1:8080:8080'],
        networks: ['testing_net'],
        volumes: ['./server/config.ini:/loteria/config.ini:ro,z'],
      },
      client1: client(1),
      client2: client(2),
    });
  });

  test.each([0, 1, 5, 120])('writes %i client(s)', async clients => {
    const { services } = await composed([String(clients)]);
    const names = Array.from({ length: clients }, (_, index) => `client${index + 1}`);
    expect(Object.keys(services)).toEqual(['server', ...names]);
    expect(services['server']!.environment).toContain(`NUMBER_AGENCIES=${clients}`);
  });

  test.each(['ej1', 'ej2', 'ej3', 'ej4'])(
    'writes the echo pair without bets for %s',
    async exercise => {
      const { services } = await composed(['1', exercise]);
      expect(services['server']!.environment).toContain('SERVER_MODE=echo');
      expect(services['server']!.ports).toBeUndefined();
      expect(services['client1']).toMatchObject({
        environment: ['CLI_ID=1', 'CLI_MODE=echo'],
        volumes: [CONFIG],
      });
    },
  );

  test('writes one bet per client for ej5, the first one from the assignment', async () => {
    const { services } = await composed(['7', 'ej5']);
    expect(services['client1']).toMatchObject({
      environment: [
        'CLI_ID=1',
        'NOMBRE=Santiago Lionel',
        'APELLIDO=Lorca',
        'DOCUMENTO=30904465',
        'NACIMIENTO=1999-03-17',
        'NUMERO=7574',
      ],
      volumes: [CONFIG],
    });
    const documents = Object.values(services).flatMap(({ environment }) =>
      environment.filter(variable => variable.startsWith('DOCUMENTO=')),
    );
    expect(new Set(documents).size).toBe(7);
    for (const { environment } of Object.values(services).slice(1))
      expect(environment).toHaveLength(6);
  });

  test.each(['ej6', 'ej7', 'ej8'])(
    'writes the lottery over the agency files for %s',
    async exercise => {
      const { services } = await composed(['1', exercise]);
      expect(services['server']!.environment).toContain('NUMBER_AGENCIES=1');
      expect(services['server']!.ports).toEqual(['127.0.0.1:8080:8080']);
      expect(services['client1']!.volumes).toContain(
        './.data/dataset/agency-1.csv:/agency.csv:ro,z',
      );
    },
  );

  test('writes no log level, so that those of the config files take effect', async () => {
    for (let exercise = 1; exercise <= 8; exercise += 1) {
      expect(JSON.stringify(await composed(['2', `ej${exercise}`]))).not.toMatch(/LOG/i);
    }
  });

  test('takes the agency files from DATASET_DIR', async () => {
    const { services } = await composed(['1', 'ej7'], { DATASET_DIR: './.data' });
    expect(services['client1']!.volumes).toContain('./.data/agency-1.csv:/agency.csv:ro,z');
  });

  test.each([['--page-port', '9090'], ['--page-port=9090']])(
    'publishes the page at the port of %s',
    async (...option) => {
      const { services } = await composed(['1', ...option]);
      expect(services['server']!.ports).toEqual(['127.0.0.1:9090:8080']);
      const cluster = (await composed([...option, '1', '--cluster'])).services;
      expect(cluster['server1']!.ports).toEqual(['127.0.0.1:9090:8080']);
      expect(cluster['server2']!.ports).toEqual(['127.0.0.1:9091:8080']);
    },
  );

  test('publishes no port and has no page with --page-port 0', async () => {
    const { services } = await composed(['1', '--page-port', '0']);
    expect(services['server']!.ports).toBeUndefined();
    expect(services['server']!.environment).toEqual(['NUMBER_AGENCIES=1']);
    const cluster = (await composed(['1', '--cluster', '--page-port', '0'])).services;
    expect([cluster['server1']!.ports, cluster['server2']!.ports]).toEqual([undefined, undefined]);
  });

  test('warns of more clients than the network has addresses for', async () => {
    const folder = await temporaryFolder();
    expect(generate(folder, ['f', '252']).stderr).toBe('');
    const { status, stderr } = generate(folder, ['f', '253']);
    expect(status).toBe(0);
    expect(stderr).toContain('has addresses for 252 clients');
  });

  test('writes the file of the repository for five clients', async () => {
    const folder = await temporaryFolder();
    generate(folder, ['out.yaml', '5', 'ej8']);
    expect(await readFile(join(ROOT, 'docker-compose-dev.yaml'), 'utf8')).toBe(
      await readFile(join(folder, 'out.yaml'), 'utf8'),
    );
  });
});

describe('generar-compose.sh --cluster', () => {
  const MEMBERS = ['etcd1', 'etcd2', 'etcd3'];
  const NODES = ['postgres1', 'postgres2', 'postgres3'];
  const SERVERS = ['server1', 'server2'];

  test('writes etcd and PostgreSQL on separate volumes, two servers, their clients', async () => {
    const { name, services, networks, volumes } = await composed(['5', 'ej8', '--cluster']);
    expect(name).toBe('tp0');
    expect(networks).toEqual((await composed(['5', 'ej8'])).networks);
    expect(volumes).toEqual(
      Object.fromEntries([...MEMBERS, ...NODES].map(volume => [volume, null])),
    );
    const clients = [1, 2, 3, 4, 5].map(id => `client${id}`);
    expect(Object.keys(services)).toEqual([...MEMBERS, ...NODES, ...SERVERS, ...clients]);
    const replicated = (container: string) => ({
      container_name: container,
      image: 'loteria-postgres:latest',
      restart: 'unless-stopped',
      networks: ['testing_net'],
      volumes: [`${container}:/data`],
    });
    for (const member of MEMBERS) {
      expect(services[member]).toEqual({
        ...replicated(member),
        command: 'etcd',
        environment: [
          `ETCD_NAME=${member}`,
          `ETCD_INITIAL_ADVERTISE_PEER_URLS=http://${member}:2380`,
          `ETCD_ADVERTISE_CLIENT_URLS=http://${member}:2379`,
        ],
      });
    }
    for (const node of NODES) {
      expect(services[node]).toEqual({
        ...replicated(node),
        depends_on: MEMBERS,
        environment: [
          `PATRONI_NAME=${node}`,
          `PATRONI_POSTGRESQL_CONNECT_ADDRESS=${node}:5432`,
          `PATRONI_RESTAPI_CONNECT_ADDRESS=${node}:8008`,
          'PATRONI_SUPERUSER_PASSWORD=postgres',
          'PATRONI_REPLICATION_PASSWORD=replicator',
          'LOTERIA_PASSWORD=loteria',
        ],
      });
    }
    for (const [index, server] of SERVERS.entries()) {
      expect(services[server]).toEqual({
        container_name: server,
        image: 'server:latest',
        restart: 'unless-stopped',
        environment: [
          'NUMBER_AGENCIES=5',
          'SERVER_STORE=postgres://loteria@postgres1:5432,postgres2:5432,postgres3:5432/loteria',
          'PGPASSWORD=loteria',
          'HTTP_PORT=8080',
          'HTTP_HOST=0.0.0.0',
          `HTTP_NAMES=${server}`,
        ],
        ports: [`127.0.0.1:${8080 + index}:8080`],
        networks: ['testing_net'],
        depends_on: NODES,
        volumes: ['./server/config.ini:/loteria/config.ini:ro,z'],
      });
    }
    for (const [index, client] of clients.entries()) {
      expect(services[client]).toEqual({
        container_name: client,
        image: 'client:latest',
        environment: [`CLI_ID=${index + 1}`, 'CLI_SERVER_ADDRESS=server1:12345,server2:12345'],
        networks: ['testing_net'],
        depends_on: SERVERS,
        volumes: [CONFIG, `./.data/dataset/agency-${index + 1}.csv:/agency.csv:ro,z`],
      });
    }
  });

  test('names the etcd members that the image and its Patroni know', async () => {
    const dockerfile = await readFile(join(ROOT, 'postgres/Dockerfile'), 'utf8');
    const cluster = MEMBERS.map(member => `${member}=http://${member}:2380`).join(',');
    expect(dockerfile).toContain(`ETCD_INITIAL_CLUSTER=${cluster}\n`);
    const patroni = await readFile(join(ROOT, 'postgres/patroni.yml'), 'utf8');
    expect(parse(patroni)).toMatchObject({
      etcd: { hosts: MEMBERS.map(member => `${member}:2379`) },
    });
  });

  test.each(['ej5', 'ej6', 'ej7'])('writes the bets of %s', async exercise => {
    const { services } = await composed(['1', exercise, '--cluster']);
    const alone = (await composed(['1', exercise])).services['client1']!;
    expect(services['client1']!.volumes).toEqual(alone.volumes);
    expect(services['client1']!.environment).toEqual(
      expect.arrayContaining([...alone.environment]),
    );
  });

  test('accepts the option at any position', async () => {
    const folder = await temporaryFolder();
    const written = async (args: readonly string[]): Promise<string> => {
      expect(generate(folder, args).status).toBe(0);
      return readFile(join(folder, 'out.yaml'), 'utf8');
    };
    const text = await written(['out.yaml', '2', 'ej7', '--cluster']);
    expect(text).toMatch(/^# ej7 with 2 client\(s\) and a cluster, made by/);
    expect(await written(['--cluster', 'out.yaml', '2', 'ej7'])).toBe(text);
    expect(await written(['out.yaml', '--cluster', '2', 'ej7'])).toBe(text);
    expect(await written(['out.yaml', '2', '--cluster', 'ej7'])).toBe(text);
  });

  test('has addresses for seven clients fewer', async () => {
    const folder = await temporaryFolder();
    expect(generate(folder, ['f', '245', '--cluster']).stderr).toBe('');
    expect(generate(folder, ['f', '246', '--cluster']).stderr).toContain(
      'has addresses for 245 clients',
    );
  });

  test.each(['ej1', 'ej2', 'ej3', 'ej4'])(
    'is refused for %s, which stores nothing',
    async exercise => {
      const folder = await temporaryFolder();
      for (const { status, stderr } of [
        generate(folder, ['f', '1', exercise, '--cluster']),
        generate(folder, ['f', '1', '--cluster'], { EXERCISE: exercise }),
      ]) {
        expect(status).toBe(1);
        expect(stderr).toMatch(/--cluster is for the lottery, ej5 to ej8, and the .+ is 'ej\d'\n$/);
        expect(stderr).toContain(exercise);
      }
      expect(await readdir(folder)).toEqual([]);
    },
  );
});
