import { execFile } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { writeRepository } from './repository-writer.js'

const run = promisify(execFile)

/** Identity and configuration of its own, so that the machine's own git settings change nothing. */
const ENVIRONMENT = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com'
}
/** Nor does each commit start another process that looks for something to tidy up. */
const SETTINGS = ['-c', 'init.defaultBranch=main', '-c', 'commit.gpgsign=false', '-c', 'maintenance.auto=false']

export async function git (root: string, ...args: string[]): Promise<string> {
  return (await run('git', [...SETTINGS, ...args], { cwd: root, env: ENVIRONMENT })).stdout
}

export async function writeFiles (root: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

/**
 * Makes a git repository of the files, and of what is in the folder already, in one commit. Where that needs no git it is done
 * without: its processes took longer than most of what is done with the repository then.
 */
export async function createRepository (root: string, files: Record<string, string | Buffer>): Promise<void> {
  await mkdir(root, { recursive: true })
  const isPlain = (await readdir(root)).length === 0 && !Object.keys(files).some((path) => basename(path).startsWith('.git'))
  await writeFiles(root, files)
  if (isPlain) writeRepository(root, Object.keys(files), 'Ada <ada@example.com>')
  else await createRepositoryWithGit(root)
}

/** Of what is in the folder. */
export async function createRepositoryWithGit (root: string): Promise<void> {
  const steps = ['init --quiet', 'add --all', 'commit --quiet --message Begin --allow-empty'].map((step) => `git "$@" ${step}`)
  // One process started from this one, which may be large, and not three.
  await run('sh', ['-c', steps.join(' && '), 'sh', ...SETTINGS], { cwd: root, env: ENVIRONMENT })
}
