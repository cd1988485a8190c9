import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { messageOf } from '../../core/errors.js'
import { PACKAGE } from '../../core/package-root.js'
import { examples } from '../command-line.js'
import { loadConfiguration } from '../configuration.js'
import { Failure } from '../failure.js'
import { bytes, counted } from '../output.js'
import type { Terminal } from '../terminal.js'

interface BackupOptions { storage?: string, withoutKeys?: boolean }

/** `cco backup`: the storage in one file, also while a sidecar runs. */
export function addBackup (program: Command, terminal: Terminal): void {
  const command = program.command('backup')
    .description('write the storage into one file, also while a sidecar runs')
    .argument('<file>', 'tar file to write; must not exist')
    .option('--storage <dir>', 'the storage; as for cco start by default')
    .option('--without-keys', 'leave out the signing keys: tokens that were issued are not valid after a restore')
    .action(async (name: string, { storage, withoutKeys }: BackupOptions) => {
      const { settings } = await loadConfiguration(storage === undefined ? {} : { storage: resolve(terminal.cwd, storage) }, terminal)
      const file = resolve(terminal.cwd, name)
      if (await access(file).then(() => true, () => false)) throw new Failure(`There is a file ${file} already.`)
      const { backUp } = await import('../../core/backup/back-up.js')
      const onFile = (done: { files: number, bytes: number }): void => terminal.progress(`${counted(done.files, 'file')}, ${bytes(done.bytes)}`)
      const { files } = await backUp({ storage: settings.storage, file, withKeys: withoutKeys !== true, version: PACKAGE.version, onFile })
        .catch((error: unknown) => { throw new Failure(`The storage ${settings.storage} could not be backed up: ${messageOf(error)}.`, { cause: error }) })
        .finally(() => terminal.progress(''))
      terminal.out(`${counted(files.length, 'file')}, ${bytes(files.reduce((sum, { size }) => sum + size, 0))}, ${files.length === 1 ? 'is' : 'are'} in ${file}.`)
      if (withoutKeys !== true) terminal.err(terminal.colors.yellow('It holds the signing keys: who can read it can do everything that the sidecar can.'))
    })
  examples(command, 'cco backup ~/backups/cco.tar', 'cco backup cco.tar --without-keys')
}

/** `cco restore`: brings a backup back. */
export function addRestore (program: Command, terminal: Terminal): void {
  const command = program.command('restore')
    .description('bring a backup back, verified before anything is written')
    .argument('<file>', 'tar file that cco backup wrote')
    .option('--storage <dir>', 'the storage; as for cco start by default')
    .option('--force', 'put a storage that is there aside')
    .action(async (name: string, { storage, force }: { storage?: string, force?: boolean }) => {
      const { settings } = await loadConfiguration(storage === undefined ? {} : { storage: resolve(terminal.cwd, storage) }, terminal)
      const { restore } = await import('../../core/backup/restore.js')
      const { manifest, aside } = await restore({ file: resolve(terminal.cwd, name), storage: settings.storage, force: force === true }).catch((error: unknown) => {
        throw new Failure(`The backup could not be restored: ${messageOf(error).replace(/\.$/, '')}.`, { cause: error })
      })
      terminal.out(`${counted(manifest.files.length, 'file')} of ${manifest.created_at} ${manifest.files.length === 1 ? 'is' : 'are'} in ${settings.storage}.`)
      if (aside !== null) terminal.out(`What was there is in ${aside}.`)
    })
  examples(command, 'cco restore ~/backups/cco.tar', 'cco restore cco.tar --storage ~/restored')
}
