import { execFile } from 'node:child_process'
import { devNull } from 'node:os'

const TIMEOUT_MS = 20_000
const MAX_OUTPUT = 256 * 1024 * 1024

/** Settings that win over whatever a repository's own configuration says: nothing in it may run a command. */
const SAFE_CONFIG: readonly (readonly [string, string])[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', devNull],
  ['core.pager', 'cat'],
  ['core.askPass', ''],
  ['core.sshCommand', 'false'],
  ['core.attributesFile', devNull],
  ['core.untrackedCache', 'false'],
  ['core.quotePath', 'false'],
  ['diff.external', ''],
  ['credential.helper', ''],
  ['protocol.allow', 'never'],
  ['submodule.recurse', 'false'],
  ['log.showSignature', 'false'],
  // The sidecar reads on behalf of the user who started it, with every command above switched off.
  ['safe.directory', '*']
]

function environment (config: readonly (readonly [string, string])[]): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: devNull,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    // Wins over `protocol.<name>.allow`, with which a repository could bring a transport back that runs a command.
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_PAGER: 'cat',
    GIT_CONFIG_COUNT: String(config.length)
  }
  config.forEach(([name, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = name
    env[`GIT_CONFIG_VALUE_${index}`] = value
  })
  return env
}

export interface GitOptions {
  config?: readonly (readonly [string, string])[]
  /** Whether paths mean just themselves; `true` by default, and not understood by every command. */
  literal?: boolean
}

/** Runs git in a folder and gives its output; rejects with git's own message. */
export async function git (cwd: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    execFile('git', ['--no-pager', ...(options.literal === false ? [] : ['--literal-pathspecs']), ...args], {
      cwd,
      env: environment([...SAFE_CONFIG, ...options.config ?? []]),
      encoding: 'buffer',
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT,
      killSignal: 'SIGKILL',
      windowsHide: true
    }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(Object.assign(new Error(`git ${args[0]}: ${stderr.toString('utf8').trim().split('\n')[0] ?? error.message}`, { cause: error }), { code: error.code }))
    })
  })
}

/**
 * Configuration that switches off the repository's own filters, which `status` and `diff` would run on changed files.
 * Reading the names runs nothing. Rejects where there is one that cannot be named in the environment.
 */
export async function withoutFilters (cwd: string): Promise<(readonly [string, string])[]> {
  const names = new Set<string>()
  // All scopes, not only the local one: a work tree may have a configuration of its own.
  const listing = await git(cwd, ['config', '--includes', '-z', '--name-only', '--list'])
  for (const key of listing.toString('utf8').split('\0')) {
    const match = /^(filter\..+)\.(clean|smudge|process|required)$/is.exec(key)
    if (match === null) continue
    if (key.includes('\uFFFD')) throw Object.assign(new Error('a filter has a name that is no UTF-8 and cannot be switched off'), { code: 'UNSAFE_FILTER' })
    names.add(match[1]!)
  }
  return [...names].flatMap((name) => [
    [`${name}.clean`, ''], [`${name}.smudge`, ''], [`${name}.process`, ''], [`${name}.required`, 'false']
  ] as const)
}

/** The strings of a NUL-separated listing that are valid UTF-8, and how many were not. */
export function splitNames (output: Buffer): { names: string[], unreadable: number } {
  const names: string[] = []
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let unreadable = 0
  let start = 0
  while (start < output.length) {
    const end = output.indexOf(0, start)
    const stop = end < 0 ? output.length : end
    try {
      if (stop > start) names.push(decoder.decode(output.subarray(start, stop)))
    } catch {
      // A name that is no UTF-8 cannot be written in JSON; it is counted and said.
      unreadable++
    }
    start = stop + 1
  }
  return { names, unreadable }
}
