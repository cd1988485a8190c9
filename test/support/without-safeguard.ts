import { cpSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { temporaryFolder } from './temporary.js'

type Teardown = Parameters<typeof temporaryFolder>[0]

/** What a compiled module says where it guards against a fault, and what it says without. */
export interface Safeguard {
  /** Path below `dist`. */
  module: string
  line: string
  without: string
}

const COPIED = ['core', 'plugins', 'index.js', join('test', 'support')]
const SHARED = ['package.json', 'node_modules', 'agents']

/** Copies the compiled server without some of its safeguards, to show that a test finds them missing; gives the `dist` of the copy. */
export async function copyWithout (t: Teardown, safeguards: readonly Safeguard[]): Promise<string> {
  const root = await temporaryFolder(t, 'cco-without')
  const copy = join(root, 'dist')
  await mkdir(join(copy, 'test'), { recursive: true })
  for (const name of SHARED) await symlink(join(PACKAGE_ROOT, name), join(root, name))
  for (const name of COPIED) {
    // Synchronously, because hundreds of small files take three times as long through the thread pool.
    cpSync(join(PACKAGE_ROOT, 'dist', name), join(copy, name), { recursive: true, filter: (path) => !path.endsWith('.d.ts') })
  }
  for (const { module, line, without } of safeguards) {
    const path = join(copy, module)
    const parts = (await readFile(path, 'utf8')).split(line)
    if (parts.length !== 2) throw new Error(`${module} says ${JSON.stringify(line)} ${parts.length - 1} times, not once.`)
    await writeFile(path, parts.join(without))
  }
  return copy
}

/** Imports a module of such a copy. */
export async function importWithout<Module> (t: Teardown, module: string, ...safeguards: Safeguard[]): Promise<Module> {
  return await import(pathToFileURL(join(await copyWithout(t, safeguards), module)).href) as Module
}
