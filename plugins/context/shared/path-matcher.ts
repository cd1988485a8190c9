import type { Place } from './place.js'

interface Entry<Value> {
  value: Value
  anchored: boolean
  folderTests: ((folder: string) => boolean)[]
  matchesName: (name: string) => boolean
}

/**
 * Finds the values whose pattern matches a place. Patterns are ours, in lower case:
 * `package.json` a name in any folder, `*.tf` a wildcard in it, `docs/` anything below such a folder,
 * `.github/workflows/*.yml` a name below these folders in sequence, `/main.go` a name in the root; `.y*ml` both spellings of YAML.
 * Every strategy looks at every file, so patterns are found by name, ending, folder or first letter and not tried one by one.
 */
export function createPathMatcher<Value> (patterns: Iterable<readonly [pattern: string, value: Value]>) {
  const byName = new Map<string, Entry<Value>[]>()
  const byEnding = new Map<string, Entry<Value>[]>()
  const byFolder = new Map<string, Entry<Value>[]>()
  const byFirst = new Map<string, Entry<Value>[]>()
  const others: Entry<Value>[] = []

  function insert (pattern: string, value: Value): void {
    const anchored = pattern.startsWith('/')
    const folders = pattern.slice(anchored ? 1 : 0).split('/')
    const name = folders.pop()!
    const entry = { value, anchored, folderTests: folders.map(nameTest), matchesName: nameTest(name) }
    const [, ending] = /\*(\.[^*]+)$/.exec(name) ?? []
    const last = folders.at(-1)
    if (name !== '' && !name.includes('*')) add(byName, name, entry)
    else if (ending !== undefined) add(byEnding, ending, entry)
    else if (last !== undefined && !last.includes('*')) add(byFolder, last, entry)
    else if (/^[^*]/.test(name)) add(byFirst, name.charAt(0), entry)
    else others.push(entry)
  }

  for (const [pattern, value] of patterns) {
    const spellings = pattern.includes('.y*ml') ? ['.yml', '.yaml'].map(ending => pattern.replace('.y*ml', ending)) : [pattern]
    for (const spelling of spellings) insert(spelling, value)
  }

  return (place: Place, found: (value: Value) => void): void => {
    const tryAll = (entries: readonly Entry<Value>[] | undefined) => {
      if (entries === undefined) return
      for (const entry of entries) {
        if (entry.matchesName(place.name) && matchesFolders(place.folders, entry)) found(entry.value)
      }
    }
    tryAll(byName.get(place.name))
    for (let dot = place.name.indexOf('.'); dot >= 0; dot = place.name.indexOf('.', dot + 1)) {
      tryAll(byEnding.get(place.name.slice(dot)))
    }
    for (const folder of place.folders) tryAll(byFolder.get(folder))
    tryAll(byFirst.get(place.name.charAt(0)))
    tryAll(others)
  }
}

function add<Value> (index: Map<string, Entry<Value>[]>, key: string, entry: Entry<Value>): void {
  const entries = index.get(key)
  if (entries === undefined) index.set(key, [entry])
  else entries.push(entry)
}

/** The pieces between the stars, each at its first place after the one before; enough for `*` alone, which is all we use. */
function nameTest (pattern: string): (name: string) => boolean {
  if (pattern === '') return () => true
  const [start, ...middle] = pattern.split('*')
  const end = middle.pop()
  if (end === undefined) return name => name === pattern
  return name => {
    if (!name.startsWith(start!) || !name.endsWith(end)) return false
    let at = start!.length
    for (const piece of middle) {
      const found = name.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return at + end.length <= name.length
  }
}

function matchesFolders (folders: readonly string[], { folderTests, anchored }: Entry<unknown>): boolean {
  // A bare anchored name means the root itself, not everything below it.
  if (anchored && folderTests.length === 0) return folders.length === 0
  const last = folders.length - folderTests.length
  for (let start = 0; start <= (anchored ? Math.min(0, last) : last); start++) {
    if (folderTests.every((test, offset) => test(folders[start + offset]!))) return true
  }
  return false
}
