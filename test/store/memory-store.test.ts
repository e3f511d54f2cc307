import { describe } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { describeStore } from '../contract/store-contract.ts';

describe('MemoryStore', () => {
  describeStore(async onFact => new MemoryStore(onFact));
});
