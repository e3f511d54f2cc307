import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readlinkSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { needsPython } from '../lottery/python.ts';

const TRIES = 100;
const TRY_EVERY_MS = 100;

/**
 * FS_IOC_SHUTDOWN with FS_SHUTDOWN_FLAGS_NOLOGFLUSH: nothing reaches the device any more, not even
 * the journal.
 */
const SHUT_DOWN = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))`;

/** Skips a test on systems where no file system can be mounted and shut down. */
export function needLoopDisks(context: TestContext): void {
  context.skip(process.getuid!() !== 0, 'only root mounts file systems');
  context.skip(spawnSync('losetup', ['--find']).status !== 0, 'there is no free loop device');
  context.skip(spawnSync('mkfs.ext4', ['-V']).status !== 0, 'there is no mkfs.ext4');
  needsPython(context);
}

/**
 * An ext4 file system on a loop device. It has its own mount namespace: any other namespace could
 * hold a copy of the mount. Unmounting frees the device.
 */
export class LoopDisk {
  /** Its root folder, for processes of root and of the owner. */
  readonly folder: string;
  /** Its root folder, for processes started through `entry`. */
  readonly mountPoint: string;
  readonly #image: string;
  readonly #namespace: ChildProcess;

  /** Creates an empty one at a new folder. */
  constructor(mountPoint: string, megabytes: number, owner: string) {
    this.mountPoint = mountPoint;
    this.#image = `${mountPoint}.ext4`;
    mkdirSync(mountPoint);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, megabytes * 1024 * 1024);
    execFileSync('mkfs.ext4', ['-q', this.#image]);
    // Ends with its input, so at the latest with this process.
    const holder = ['setpriv', `--reuid=${owner}`, `--regid=${owner}`, '--clear-groups', 'cat'];
    this.#namespace = spawn('unshare', ['--mount', ...holder], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.folder = `/proc/${this.#namespace.pid}/root${mountPoint}`;
  }

  /** Command prefix that enters the mount namespace. */
  get entry(): readonly string[] {
    return ['nsenter', `--mount=/proc/${this.#namespace.pid}/ns/mnt`];
  }

  async mount(): Promise<void> {
    const own = readlinkSync('/proc/self/ns/mnt');
    while (readlinkSync(`/proc/${this.#namespace.pid}/ns/mnt`) === own) await sleep(TRY_EVERY_MS);
    await this.#run('mount', '-o', 'loop', this.#image, this.mountPoint);
  }

  /** Syncs the file system: a power cut loses only later writes. */
  sync(): void {
    execFileSync('sync', ['--file-system', this.folder]);
  }

  /**
   * Simulates a power cut: unsynced data is lost, which `restore` verifies. Kill all users of the
   * file system before `restore`.
   */
  cutPower(): void {
    writeFileSync(this.#unsynced, 'lost');
    execFileSync('python3', ['-c', SHUT_DOWN, this.folder]);
  }

  async restore(): Promise<void> {
    await this.#run('umount', this.mountPoint);
    await this.mount();
    const lost = statSync(this.#unsynced, { throwIfNoEntry: false });
    // A new file: ext4 flushes a replaced one at once.
    rmSync(this.#unsynced, { force: true });
    if (lost !== undefined && lost.size > 0) throw new Error(`${this.folder} has lost nothing`);
  }

  async remove(): Promise<void> {
    await this.#run('umount', this.mountPoint);
    this.#namespace.kill();
  }

  get #unsynced(): string {
    return join(this.folder, 'unsynced');
  }

  /** Retries: a killed process holds its files until it has exited. */
  async #run(...command: readonly string[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const [nsenter, ...args] = [...this.entry, ...command] as [string, ...string[]];
      const { status, stderr } = spawnSync(nsenter, args, { encoding: 'utf8' });
      if (status === 0) return;
      if (tries === TRIES) throw new Error(stderr);
      await sleep(TRY_EVERY_MS);
    }
  }
}
