import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of this package: the first above this file that holds its package.json. */
function findRoot (): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

interface PackageFacts { name: string, version: string, description: string, bin: { cco: string } }

export const PACKAGE_ROOT = findRoot()
export const PACKAGE = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as PackageFacts
export const VERSION = PACKAGE.version
export const PROFILES_DIRECTORY = join(PACKAGE_ROOT, 'agents')
/** The program as it is shipped. */
export const PROGRAM = join(PACKAGE_ROOT, PACKAGE.bin.cco)
