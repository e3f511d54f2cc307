import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'vitest';

const UNMOUNT_TRIES = 100;
const UNMOUNT_EVERY_MS = 100;

/** FS_IOC_SHUTDOWN with FS_SHUTDOWN_FLAGS_NOLOGFLUSH: from now on nothing reaches the device, not even the journal. */
const SHUT_DOWN = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))`;

/** Skips a test where no file system can be mounted and shut down. */
export function needLoopDisks(context: TestContext): void {
  context.skip(process.getuid!() !== 0, 'only root mounts file systems');
  context.skip(spawnSync('losetup', ['--find']).status !== 0, 'there is no free loop device');
  context.skip(spawnSync('mkfs.ext4', ['-V']).status !== 0, 'there is no mkfs.ext4');
  context.skip(spawnSync('python3', ['--version']).status !== 0, 'there is no python3');
}

/** An ext4 file system of its own on a loop device. Unmounting it frees the device. */
export class LoopDisk {
  readonly folder: string;
  readonly #image: string;

  /** Makes it, empty, at a folder that is not there yet. */
  constructor(folder: string, megabytes: number) {
    this.folder = folder;
    this.#image = `${folder}.ext4`;
    mkdirSync(folder);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, megabytes * 1024 * 1024);
    execFileSync('mkfs.ext4', ['-q', this.#image]);
    this.#mount();
  }

  /** Writes back what is in memory, so that a power cut loses only what is written from now on. */
  sync(): void {
    execFileSync('sync', ['--file-system', this.folder]);
  }

  /** A power cut: what was not synced is lost. Whatever uses the file system has to be killed before `restore`. */
  cutPower(): void {
    writeFileSync(this.#unsynced, 'lost');
    execFileSync('python3', ['-c', SHUT_DOWN, this.folder]);
  }

  async restore(): Promise<void> {
    await this.unmount();
    this.#mount();
    if (existsSync(this.#unsynced)) throw new Error(`the power cut has lost nothing of ${this.folder}`);
  }

  async unmount(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const { status, stderr } = spawnSync('umount', [this.folder], { encoding: 'utf8' });
      if (status === 0 || stderr.includes('not mounted')) return;
      // A process that was killed keeps its files until it is gone.
      if (tries === UNMOUNT_TRIES) throw new Error(stderr);
      await sleep(UNMOUNT_EVERY_MS);
    }
  }

  get #unsynced(): string {
    return join(this.folder, 'unsynced');
  }

  #mount(): void {
    execFileSync('mount', ['-o', 'loop', this.#image, this.folder]);
  }
}
