import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Diagnosis, Report } from '../../core/doctor/doctor.js'
import { examples } from '../command-line.js'
import { withFormat } from '../connect.js'
import { Failure } from '../failure.js'
import { counted, printable, show, type Format } from '../output.js'
import type { Colors, Terminal } from '../terminal.js'

interface DoctorOptions { format: Format, fix?: boolean, bundle?: string }

/** `cco doctor`: what is wrong with an installation, and what to do about it. Needs no running sidecar, and minds none. */
export function addDoctor (program: Command, terminal: Terminal): void {
  const command = withFormat(program.command('doctor')
    .description('find what is wrong with this installation')
    .option('--fix', 'do what is safe: take away rights of others and the lock of a sidecar that is gone')
    .option('--bundle <file>', 'also write a report for whoever is to help, without secrets'))
    .addHelpText('after', '\nIt looks at the configuration, git, rights, disk, clock, lock, keys, port, profiles, plugins and the programs of agents.\n\nExit codes: 0 no problem is left, 1 there are some, 2 wrong usage.')
    .action(async ({ format, fix = false, bundle }: DoctorOptions) => {
      const { placeOf } = await import('../doctor-place.js')
      const { examine } = await import('../../core/doctor/doctor.js')
      const { place, plugins } = await placeOf(terminal)
      const report = await examine(place, { fix })
      show(terminal, format, report, describe)
      if (bundle !== undefined) await write(resolve(terminal.cwd, bundle), await (await import('../../core/doctor/bundle.js')).supportBundle(place, report, plugins))
      if (!report.healthy) throw new Failure('')
    })
  examples(command, 'cco doctor', 'cco doctor --fix', 'cco doctor --bundle report.json')
}

/** For its owner alone, and never over something that is there. */
async function write (file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new Failure(`The report cannot be written: ${(error as Error).message}.`, { cause: error })
  }
}

const SIGNS: Record<Diagnosis['state'], string> = { ok: 'ok', note: 'note', problem: 'PROBLEM', fixed: 'fixed' }

function describe ({ healthy, findings }: Report, colors: Colors): string {
  const paint: Record<Diagnosis['state'], (text: string) => string> = { ok: colors.green, note: colors.yellow, problem: colors.red, fixed: colors.green }
  const lines = findings.map(({ check, state, text, advice }) => `${paint[state](SIGNS[state].padEnd(7))}  ${check.padEnd(13)}  ${printable(text)}${advice === null ? '' : `\n${' '.repeat(24)}${colors.dim(printable(advice))}`}`)
  const problems = findings.filter(({ state }) => state === 'problem').length
  return [...lines, '', healthy ? 'Nothing is wrong.' : `${counted(problems, 'problem')}.`].join('\n')
}
