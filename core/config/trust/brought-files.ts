import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { codeOf, messageOf, startError } from '../../errors.js'
import { readPlainBytes } from '../../plain-file.js'

/** What a repository can bring that loads or starts something. */
const FILES = ['.cco/config.json', '.cco/triggers.json']
const PROFILES = '.cco/agents'
const CODE = /\.(?:[cm]?[jt]sx?|node)$/
/** What an import may leave out, as CommonJS allows. */
const ENDINGS = ['.js', '.mjs', '.cjs', '.json', '.node', '/index.js', '/index.cjs', '/index.json', '/package.json']
const MAX_FILES = 2000
const MAX_BYTES = 64 * 1024 * 1024

export interface BroughtFile {
  /** Relative to the project. */
  path: string
  content: Buffer
}

/**
 * The files of a project that decide what it may do once it is trusted: its configuration, triggers and profiles; every file that the configuration
 * names, a plugin, a command's script or an option; and what code among these imports or names as lying beside it, and so on. `root` is without links.
 * A module that puts the name of another one together as it runs is beyond this. Throws `SIDECAR_ERR_CONFIG_UNREADABLE`.
 */
export async function broughtFiles (root: string): Promise<BroughtFile[]> {
  const found = new Map<string, BroughtFile>()
  const waiting = [...FILES, ...await profilesOf(root)].map((path) => join(root, path))
  let bytes = 0
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const path = relative(root, file).split(sep).join('/')
    if (found.has(path)) continue
    const content = contentOf(file)
    if (content === undefined) continue
    bytes += content.length
    if (found.size >= MAX_FILES || bytes > MAX_BYTES) {
      throw startError('SIDECAR_ERR_CONFIG_UNREADABLE', `What ${root} brings in .cco leads to more than ${MAX_FILES} files or ${MAX_BYTES / 1024 / 1024} MiB, which is more than can be trusted one by one. Name the plugins in your own ~/.cco/config.json instead.`)
    }
    found.set(path, { path, content })
    if (path === '.cco/config.json') waiting.push(...await namedBy(root, content))
    else if (CODE.test(path)) waiting.push(...await importedBy(root, file, content))
  }
  // The order is that of the names, whatever led to them.
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Whether there is anything that would need trust; what it leads to is not looked at. */
export async function bringsAnything (root: string): Promise<boolean> {
  for (const path of [...FILES, ...await profilesOf(root)]) {
    try {
      // Also what is no regular file: it may be one a moment later.
      await lstat(join(root, path))
      return true
    } catch (error) {
      if (!isAbsent(error)) throw startError('SIDECAR_ERR_CONFIG_UNREADABLE', `${join(root, path)} cannot be read: ${messageOf(error)}.`, { cause: error })
    }
  }
  return false
}

function contentOf (file: string): Buffer | undefined {
  try {
    return readPlainBytes(file, MAX_BYTES)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw startError('SIDECAR_ERR_CONFIG_UNREADABLE', `${file} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
}

/** Exactly the files that profiles are read from: a link to a folder elsewhere must not lead through the whole disk. */
async function profilesOf (root: string): Promise<string[]> {
  try {
    const entries = await readdir(join(root, PROFILES), { withFileTypes: true })
    return entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith('.json')).map(({ name }) => `${PROFILES}/${name}`)
  } catch (error) {
    if (isAbsent(error)) return []
    throw startError('SIDECAR_ERR_CONFIG_UNREADABLE', `${join(root, PROFILES)} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
}

/** Files that texts of the configuration name, relative to it or to the project; a command is several words. */
async function namedBy (root: string, content: Buffer): Promise<string[]> {
  let config: unknown
  try {
    config = JSON.parse(content.toString())
  } catch {
    // Then it loads nothing, and who reads it as a configuration says what is wrong.
    return []
  }
  const texts = [...new Set(textsIn(config).flatMap((text) => [text, ...text.split(/[\s'"]+/)]))].filter((text) => text !== '')
  const base = join(root, '.cco')
  const files = await Promise.all(texts.map(async (text) => [
    ...await existing(resolve(base, text)),
    ...await existing(resolve(root, text)),
    ...await packageFile(root, join(base, 'config.json'), text)
  ]))
  return files.flat()
}

function textsIn (value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

const TEXT = /'([^'\n\\]{1,500})'|"([^"\n\\]{1,500})"|`([^`$\\]{1,500})`/g

/** What a module imports; texts that name a file beside it count as well, however they are used. */
async function importedBy (root: string, file: string, content: Buffer): Promise<string[]> {
  const texts = new Set([...content.toString().matchAll(TEXT)].map(([, single, double, template]) => single ?? double ?? template!))
  const files = await Promise.all([...texts].map(async (text) => {
    if (text.startsWith('.')) return await withEnding(resolve(dirname(file), text))
    if (isAbsolute(text)) return await existing(text)
    return await packageFile(root, file, text)
  }))
  return files.flat()
}

async function withEnding (path: string): Promise<string[]> {
  const exact = await existing(path)
  return exact.length > 0 ? exact : (await Promise.all(ENDINGS.map(async (ending) => await existing(`${path}${ending}`)))).flat()
}

/** The file of a package that the repository itself brings. One that is installed elsewhere is not the repository's to change. */
async function packageFile (root: string, from: string, name: string): Promise<string[]> {
  if (!/^(?:@[\w.-]+\/)?[\w.-]+(?:\/[\w./-]+)?$/.test(name)) return []
  try {
    const file = await realpath(createRequire(from).resolve(name))
    return isInside(root, file) ? [file] : []
  } catch {
    // No package of that name: most words are none.
    return await importOnly(root, from, name)
  }
}

/** The folder of a package that has no door for `require`: its manifest and whatever that names. */
async function importOnly (root: string, from: string, name: string): Promise<string[]> {
  const owner = name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/')
  for (let folder = dirname(from); isInside(root, join(folder, 'x')); folder = dirname(folder)) {
    const place = join(folder, 'node_modules', owner)
    const [manifest] = await existing(join(place, 'package.json'))
    if (manifest === undefined) continue
    const content = contentOf(manifest)
    if (content === undefined) return []
    const named = [...content.toString().matchAll(TEXT)].map(([, , text]) => text).filter((text) => text?.startsWith('.') === true)
    return [manifest, ...(await Promise.all(named.map(async (text) => await existing(resolve(place, text!))))).flat()]
  }
  return []
}

function isInside (root: string, file: string): boolean {
  return file.startsWith(`${root}${sep}`)
}

/** The path, where there is a regular file; a FIFO or a device is nothing that is loaded. */
async function existing (path: string): Promise<string[]> {
  try {
    return (await stat(path)).isFile() ? [path] : []
  } catch {
    // Names of nothing, too long ones and those that may not be looked at: none of them can be loaded either.
    return []
  }
}

function isAbsent (error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
}
