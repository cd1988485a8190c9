import { lstatSync, lutimesSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { git } from './git.js'

/**
 * All files get the same time. A check-out stamps what it writes, and that is above all what later commits have changed:
 * the time would give the answer away.
 */
export const FILE_TIME = new Date('2020-01-01T00:00:00Z')

export interface TreeFile {
  path: string
  /** Object id: equal for equal content. */
  blob: string
  size: number
}

/** A work tree with the objects of a repository and nothing else of it: no refs, no reflogs, no configuration. */
export interface Workspace {
  root: string
  /** The files of a commit. */
  tree (commit: string): Promise<TreeFile[]>
  /** Puts the files of a commit there, with a history that ends with it. */
  checkOut (commit: string): Promise<TreeFile[]>
  read (path: string): Buffer
}

/** What people call a repository: the last part of its path that is no mere `repo` or `.git`. */
export function repositoryName (path: string): string {
  const names = resolve(path).split('/').map((name) => name.replace(/\.git$/, '')).filter((name) => name !== '' && name !== 'repo')
  return names.at(-1) ?? 'repository'
}

async function pathOf (repository: string, name: string): Promise<string> {
  return (await git(repository, 'rev-parse', '--path-format=absolute', '--git-path', name)).trimEnd()
}

export async function createWorkspace (repository: string, folder: string): Promise<Workspace> {
  const root = join(folder, repositoryName(repository))
  await mkdir(root)
  await git(root, 'init', '--quiet', '--initial-branch=main')
  const own = join(root, '.git')
  await writeFile(join(own, 'objects', 'info', 'alternates'), `${await pathOf(repository, 'objects')}\n`)
  const shallow = await pathOf(repository, 'shallow')
  if (await stat(shallow).then(() => true, () => false)) await copyFile(shallow, join(own, 'shallow'))
  for (const [name, value] of [['core.logAllRefUpdates', 'false'], ['gc.auto', '0'], ['maintenance.auto', 'false']] as const) await git(root, 'config', name, value)
  const tree = async (commit: string): Promise<TreeFile[]> => parseTree(await git(root, 'ls-tree', '-r', '-z', '--long', commit))
  return {
    root,
    tree,
    async checkOut (commit) {
      await git(root, 'update-ref', '--no-deref', 'refs/heads/main', commit)
      await git(root, 'read-tree', '--reset', '-u', commit)
      await git(root, 'clean', '-ffdxq')
      for (const name of ['ORIG_HEAD', 'FETCH_HEAD', 'logs']) await rm(join(own, name), { recursive: true, force: true })
      const files = await tree(commit)
      for (const { path } of files) {
        const file = join(root, path)
        if (lstatSync(file).mtimeMs !== FILE_TIME.getTime()) lutimesSync(file, FILE_TIME, FILE_TIME)
      }
      await git(root, 'update-index', '-q', '--refresh')
      return files
    },
    read: (path) => readFileSync(join(root, path))
  }
}

/** Reads `git ls-tree -r -z --long`; links, submodules and names that are no UTF-8 are left out. */
function parseTree (listing: string): TreeFile[] {
  return [...listing.matchAll(/100(?:644|755) blob ([0-9a-f]+) +(\d+)\t([^\0]+)\0/g)]
    .map(([, blob, size, path]) => ({ path: path!, blob: blob!, size: Number(size) }))
    .filter(({ path }) => !path.includes('\uFFFD'))
}

/** Writes a file and gives back what undoes it, the time included. */
export async function touch (root: string, path: string, content: Buffer | string): Promise<() => Promise<void>> {
  const file = join(root, path)
  const before = readFileSync(file)
  await writeFile(file, content)
  return async () => {
    await writeFile(file, before)
    lutimesSync(file, FILE_TIME, FILE_TIME)
  }
}
