import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { codeOf, messageOf } from '../core/errors.js'
import { Failure, wrongUsage } from './failure.js'
import type { Template } from './templates/template.js'

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/** Writes `<name>.js` and `<name>.test.js`, both or none; never over something that is there. */
export async function writePlugin (template: Template, name: string, folder: string): Promise<string[]> {
  if (!NAME.test(name)) throw wrongUsage(`'${name}' is no name of a plugin: lower case words joined by '-', for example 'terraform-plans'.`)
  const files: [string, string][] = [[`${name}.js`, template.plugin(name)], [`${name}.test.js`, template.test(name)]]
  for (const [file] of files) {
    if (existsSync(join(folder, file))) throw new Failure(`${join(folder, file)} is there already and was left as it is; choose another name or --directory.`)
  }
  try {
    await mkdir(folder, { recursive: true })
    // `wx`: not even over what has appeared since the look above.
    for (const [file, content] of files) await writeFile(join(folder, file), content, { flag: 'wx' })
  } catch (error) {
    const what = codeOf(error) === 'EEXIST' ? 'something is in the way' : messageOf(error)
    throw new Failure(`The plugin could not be written to ${folder}: ${what}.`, { cause: error })
  }
  return files.map(([file]) => join(folder, file))
}

/** What a folder lacks for its `.js` files to run as they are: ES modules, and this package to import from. */
export function missingFor (folder: string): string[] {
  const missing: string[] = []
  if (nearest(folder, 'package.json', (path) => (JSON.parse(readFileSync(path, 'utf8')) as { type?: string }).type === 'module') !== true) {
    missing.push('"type": "module" in its package.json (npm pkg set type=module)')
  }
  if (!importable(folder)) missing.push('the package (npm install cco-sidecar)')
  return missing
}

function importable (folder: string): boolean {
  const installed = nearest(folder, join('node_modules', 'cco-sidecar', 'package.json'), () => true) === true
  // Inside the package itself its own name works too.
  return installed || nearest(folder, 'package.json', (path) => (JSON.parse(readFileSync(path, 'utf8')) as { name?: string }).name === 'cco-sidecar') === true
}

/** What `read` says of the file that lies nearest upwards; `undefined` without one, or when it cannot be read. */
function nearest<Value> (folder: string, file: string, read: (path: string) => Value): Value | undefined {
  for (let here = resolve(folder); ;) {
    const path = join(here, file)
    if (existsSync(path)) {
      try {
        return read(path)
      } catch {
        return undefined
      }
    }
    const parent = dirname(here)
    if (parent === here) return undefined
    here = parent
  }
}
