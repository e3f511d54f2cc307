import { ConfigError } from '../../config/errors.ts';
import { MemoryStore } from '../../store/memory/memory-store.ts';
import type { ConfiguredStore } from './configured-store.ts';

/** Exists only inside the server. */
export function memoryStore(): ConfiguredStore {
  const refuse = (why: string) => (): never => {
    throw new ConfigError(`SERVER_STORE is memory${why}`);
  };
  return {
    open: async ({ lottery }) => ({
      store: new MemoryStore(lottery.apply.bind(lottery)),
      files: ['memory'],
      cuts: [],
    }),
    read: refuse(': only the server itself can read it'),
    intervene: refuse(': only the server itself can change it'),
    files: [],
    isRemote: false,
    folder: refuse(', which has no files; name the folder of a store'),
  };
}
