import { folderOf, isSource, joinPath } from './files.mjs'

const BY_NAME = [
  /^((src|lib|app|bin)\/)?(index|main|app|server|cli|manage|wsgi|asgi|program)\.[a-z]+$/i,
  /(^|\/)(src\/(main|lib)\.rs|cmd\/[^/]+\/main\.go|__main__\.py)$/
]
const BY_CONTENT = [
  ['python', /^if __name__ == ['"]__main__['"]/m, 'runs when it is started as a script'],
  ['go', /^package main\b[^]*^func main\s*\(/m, 'is package main'],
  ['rust', /^(pub )?(async )?fn main\s*\(/m, 'has fn main'],
  ['java', /public static void main\s*\(/, 'has a main method'],
  ['kotlin', /^fun main\s*\(/m, 'has fun main']
]

/** Files where a reader or a program comes in, each as `{ path, reason }`. */
export function entryPoints (project) {
  const found = new Map()
  const add = (path, reason) => project.paths.has(path) && !found.has(path) && found.set(path, reason)
  for (const file of project.seen) {
    if (/(^|\/)package\.json$/.test(file.path) && !file.path.includes('node_modules/')) {
      for (const [target, reason] of packageEntries(file.content)) add(joinPath(folderOf(file.path), target), reason)
    }
  }
  for (const file of project.seen) {
    if (!isSource(file.path)) continue
    const match = BY_CONTENT.find(([language, pattern]) => file.language === language && pattern.test(file.content))
    if (match) add(file.path, match[2])
    else if (file.content.startsWith('#!')) add(file.path, 'starts with an interpreter line')
  }
  for (const { path } of project.files) if (isSource(path) && BY_NAME.some((name) => name.test(path))) add(path, 'has the name of an entry point')
  return [...found].map(([path, reason]) => ({ path, reason }))
}

function packageEntries (content) {
  let manifest
  try {
    manifest = JSON.parse(content)
  } catch {
    return [] // shortened or templated: its names stay unknown
  }
  const named = (value, reason) => typeof value === 'string' ? [[value, reason]] : Object.values(value ?? {}).flatMap((inner) => named(inner, reason))
  return [...named(manifest.bin, 'bin of package.json'), ...named(manifest.main, 'main of package.json'), ...named(manifest.exports, 'exports of package.json')]
}
