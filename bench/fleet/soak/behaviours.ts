import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How long an agent of the soak may run, and how long it may take to its first sign, seconds. */
export const TIMEOUT_SECONDS = 8
export const FIRST_SIGN_SECONDS = 4
/** Less than `floods` writes. */
export const MAX_OUTPUT_MB = 4

/** One kind of fake agent. */
export interface Behaviour {
  /** A program of the shell. */
  script: string
  /** The only right final state. */
  ends: 'completed' | 'failed' | 'stopped'
}

const REPORT = fileURLToPath(new URL('./report.js', import.meta.url))

export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  quick: { script: 'echo done', ends: 'completed' },
  slow: { script: 'echo begun; sleep 5; echo done', ends: 'completed' },
  'stores a result': { script: `exec '${process.execPath}' '${REPORT}'`, ends: 'completed' },
  'leaves children': { script: 'echo begun; sleep 600 & (trap "" TERM; sleep 600) & exit 0', ends: 'completed' },
  'leaves its group': { script: 'echo begun; (setsid sleep 600 &); (setsid sh -c "trap \'\' TERM; sleep 600; sleep 600" &); sleep 1', ends: 'completed' },
  crashes: { script: 'echo begun; exit 3', ends: 'failed' },
  'dies unseen': { script: 'exit 1', ends: 'failed' },
  'is killed': { script: 'echo begun; kill -KILL $$', ends: 'failed' },
  mute: { script: 'exec sleep 600', ends: 'failed' },
  hangs: { script: 'echo begun; exec sleep 600', ends: 'failed' },
  'ignores TERM': { script: 'trap "" TERM INT HUP; echo begun; while :; do sleep 1; done', ends: 'failed' },
  floods: { script: 'head -c 20000000 /dev/zero | tr "\\0" x; exec sleep 600', ends: 'failed' },
  'is stopped': { script: 'trap "" TERM; echo begun; sleep 600; sleep 600', ends: 'stopped' }
}

export const NAMES: readonly string[] = Object.keys(BEHAVIOURS)

/** Writes the program that all agents run; its BEHAVIOUR is the index of a name. Gives its path. */
export async function writeAgent (folder: string): Promise<string> {
  const path = join(folder, 'agent.sh')
  const cases = NAMES.map((name, index) => `${index}) # ${name}\n${BEHAVIOURS[name]!.script}\n;;`)
  await writeFile(path, `#!/bin/sh\ncase $BEHAVIOUR in\n${cases.join('\n')}\nesac\n`)
  await chmod(path, 0o700)
  return path
}
