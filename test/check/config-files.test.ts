import { describe, expect, test } from 'vitest';
import { iniValue, setIni, setYaml, yamlValue } from '../../src/check/config-files.ts';

const YAML = `# of the client
server:
  address: "server:12345" # where the server is
loop:
  amount: 5
`;

describe('config.yaml', () => {
  test('gets other values and keeps its comments', () => {
    const text = setYaml(YAML, { 'loop.amount': 7, 'server.address': 'server:23456' });
    expect(yamlValue(text, 'loop.amount')).toBe('7');
    expect(yamlValue(text, 'server.address')).toBe('server:23456');
    expect(text).toContain('# of the client');
  });

  test('gets a missing section', () => {
    expect(yamlValue(setYaml(YAML, { 'batch.maxAmount': 10 }), 'batch.maxAmount')).toBe('10');
  });

  test('has no value for a section or a missing key', () => {
    expect(yamlValue(YAML, 'loop')).toBeUndefined();
    expect(yamlValue(YAML, 'log.level')).toBeUndefined();
  });
});

const INI = '[DEFAULT]\nserver_port=12345 ; the usual one\nLOGGING_LEVEL = INFO\n';

describe('config.ini', () => {
  test('gets another value for a key in any letter case', () => {
    const text = setIni(INI, { SERVER_PORT: 23456 });
    expect(text).toBe('[DEFAULT]\nSERVER_PORT = 23456\nLOGGING_LEVEL = INFO\n');
  });

  test('is unchanged by an equal value', () => {
    expect(setIni('[DEFAULT]\nA = 1\n', { A: 1 })).toBe('[DEFAULT]\nA = 1\n');
  });

  test('gets a missing key in its section', () => {
    expect(setIni(INI, { SERVER_IP: 'server' })).toContain('[DEFAULT]\nSERVER_IP = server\n');
  });

  test('has values without their comments', () => {
    expect(iniValue(INI, 'SERVER_PORT')).toBe('12345');
    expect(iniValue(INI, 'SERVER_IP')).toBeUndefined();
  });
});
