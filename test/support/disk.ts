import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from '../../core/testing/expectations.js'
import { temporaryFolder } from './temporary.js'

/**
 * A file system in a file, to be spoilt. EXT4_IOC_SHUTDOWN without flushing drops all that was not synced, as a power cut does;
 * an error that is told to the file system makes it read-only, as a bad disk does.
 * Needs root, loop devices and perl, which has the call that Node lacks.
 */
export interface TestDisk {
  folder: string
  /**
   * Answers when the power went, by the clock of `process.hrtime`. A sync that ends while the file system is shut down may be
   * confirmed although its data is dropped (of 173,576 writes by 24 processes in 300 rounds, 521 of the 1,503 that were
   * confirmed after this time were lost, of those before it none), which a machine without power can do to nobody.
   */
  cutPower (): Promise<bigint>
  turnReadOnly (): void
  /** Mounts it again; nothing there may be open, or about to be opened. */
  restore (options?: 'ro'): Promise<void>
}

export const NO_DISK = 'NOT TESTED: needs root on Linux, loop devices and perl, to mount a file system that can be spoilt'

const SHUTDOWN = `use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
my $flags = pack("L", 2); open(my $folder, "<", $ARGV[0]) or die $!;
printf("%.0f", clock_gettime(CLOCK_MONOTONIC) * 1e9); ioctl($folder, 0x8004587d, $flags) or die $!`

/** Unmounted when the test ends; `undefined` where this machine cannot do it. */
export async function mountDisk (t: Parameters<typeof temporaryFolder>[0]): Promise<TestDisk | undefined> {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return undefined
  const parent = await temporaryFolder(t, 'cco-disk')
  const image = join(parent, 'image')
  const folder = join(parent, 'disk')
  const run = (command: string, ...args: string[]): string => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim()
  const mount = (options = ''): void => { run('mount', '-o', `loop,errors=remount-ro${options}`, image, folder) }
  const unmounts = (): boolean => spawnSync('umount', [folder], { stdio: 'ignore' }).status === 0
  const device = (): string => basename(run('findmnt', '-n', '-o', 'SOURCE', folder))
  try {
    mkdirSync(folder)
    run('truncate', '-s', '64M', image)
    run('mkfs.ext4', '-q', image)
    run('perl', '-MTime::HiRes', '-e', '1')
    mount()
  } catch {
    return undefined
  }
  t.teardown(async () => { run('umount', '--lazy', folder) })
  if (!existsSync(`/sys/fs/ext4/${device()}/trigger_fs_error`)) return undefined
  return {
    folder,
    cutPower: async () => BigInt((await promisify(execFile)('perl', ['-e', SHUTDOWN, folder])).stdout),
    turnReadOnly () { writeFileSync(`/sys/fs/ext4/${device()}/trigger_fs_error`, 'the test') },
    async restore (options) {
      // A handle that was closed is let go of by the kernel when it comes to it, which on a busy machine is after the call.
      await eventually(unmounts, 'nothing is open on the disk')
      mount(options === undefined ? '' : `,${options}`)
    }
  }
}
