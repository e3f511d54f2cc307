import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readlinkSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { needsPython } from '../lottery/python.ts';

const TRIES = 100;
const TRY_EVERY_MS = 100;

/**
 * FS_IOC_SHUTDOWN with FS_SHUTDOWN_FLAGS_NOLOGFLUSH: from now on nothing reaches the device, not
 * even the journal.
 */
const SHUT_DOWN = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))`;

/** Skips a test where no file system can be mounted and shut down. */
export function needLoopDisks(context: TestContext): void {
  context.skip(process.getuid!() !== 0, 'only root mounts file systems');
  context.skip(spawnSync('losetup', ['--find']).status !== 0, 'there is no free loop device');
  context.skip(spawnSync('mkfs.ext4', ['-V']).status !== 0, 'there is no mkfs.ext4');
  needsPython(context);
}

/**
 * An ext4 file system of its own on a loop device, in a mount namespace of its own: any other
 * namespace could keep a mount that is to be unmounted. Unmounting it frees the device.
 */
export class LoopDisk {
  /** Its root, for processes of root and of the owner. */
  readonly folder: string;
  /** Its root, for what is started through `entry`. */
  readonly mountPoint: string;
  readonly #image: string;
  readonly #namespace: ChildProcess;

  /** Makes it, empty, at a folder that is not there yet. */
  constructor(mountPoint: string, megabytes: number, owner: string) {
    this.mountPoint = mountPoint;
    this.#image = `${mountPoint}.ext4`;
    mkdirSync(mountPoint);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, megabytes * 1024 * 1024);
    execFileSync('mkfs.ext4', ['-q', this.#image]);
    // Lives as long as its input is open, which is as long as this process at most.
    const holder = ['setpriv', `--reuid=${owner}`, `--regid=${owner}`, '--clear-groups', 'cat'];
    this.#namespace = spawn('unshare', ['--mount', ...holder], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.folder = `/proc/${this.#namespace.pid}/root${mountPoint}`;
  }

  /** The command with which something is started in the mount namespace. */
  get entry(): readonly string[] {
    return ['nsenter', `--mount=/proc/${this.#namespace.pid}/ns/mnt`];
  }

  async mount(): Promise<void> {
    const own = readlinkSync('/proc/self/ns/mnt');
    while (readlinkSync(`/proc/${this.#namespace.pid}/ns/mnt`) === own) await sleep(TRY_EVERY_MS);
    await this.#run('mount', '-o', 'loop', this.#image, this.mountPoint);
  }

  /** Writes back what is in memory, so that a power cut loses only what is written from now on. */
  sync(): void {
    execFileSync('sync', ['--file-system', this.folder]);
  }

  /**
   * A power cut: what was not synced is lost, which `restore` checks. Whatever uses the file system
   * has to be killed before `restore`.
   */
  cutPower(): void {
    writeFileSync(this.#unsynced, 'lost');
    execFileSync('python3', ['-c', SHUT_DOWN, this.folder]);
  }

  async restore(): Promise<void> {
    await this.#run('umount', this.mountPoint);
    await this.mount();
    const lost = statSync(this.#unsynced, { throwIfNoEntry: false });
    // Written anew, for ext4 writes back at once what replaces a file.
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

  /** A process that was killed keeps its files until it is gone: tries again. */
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
