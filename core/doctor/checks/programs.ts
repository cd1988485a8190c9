import { execFile } from 'node:child_process'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { codeOf } from '../../errors.js'
import { check } from '../check.js'
import type { Check } from '../finding.js'

const run = promisify(execFile)
const PATIENCE_MS = 5000
/** Settings that switch off what a repository's configuration would run come in variables since then (GIT_CONFIG_COUNT). */
const LEAST_GIT = [2, 31] as const

export const git: Check = check('git', async ({ root, env }) => {
  const needed = await lstat(join(root, '.git')).then(() => true, () => false)
  const state = needed ? 'problem' : 'note'
  let text: string
  try {
    text = (await run('git', ['--version'], { env: { PATH: env.PATH }, timeout: PATIENCE_MS })).stdout.trim()
  } catch (error) {
    return [{ state, text: codeOf(error) === 'ENOENT' ? 'git is not on the PATH.' : 'git cannot be started.', advice: 'Install git: without it contexts hold no history, and agents get no working trees of their own.' }]
  }
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(text) ?? []).slice(1).map(Number)
  const isNew = major > LEAST_GIT[0] || (major === LEAST_GIT[0] && minor >= LEAST_GIT[1])
  return [isNew ? { state: 'ok', text: `${text}.` } : { state, text: `${text} is older than ${LEAST_GIT.join('.')}.`, advice: 'Install a newer one: this one cannot be kept from running what a repository\'s configuration names.' }]
})

/** What agents are made of. Only the program that is used unless somebody says otherwise is missed. */
export const agentPrograms: Check = check('agents', async ({ programs, settings: { spawn } }) => (await programs()).map(({ name, program, version, problem }) => {
  if (problem === null) return { state: 'ok', text: `${name} starts ${program ?? 'a program'}${version === null ? '' : `, ${version}`}.` }
  const isUsed = name === spawn.spawner && (name !== 'process' || spawn.command !== undefined)
  return { state: isUsed ? 'problem' : 'note', text: `${name}: ${problem}`, ...(isUsed ? { advice: 'Install it, or choose another with the setting spawn.spawner.' } : {}) }
}))
