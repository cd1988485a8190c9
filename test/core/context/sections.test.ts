import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { gitContextOf, sizeOf, structureOf } from '../../../core/context/sections.js'
import type { Commit, UncommittedChange } from '../../../core/contracts/index.js'
import type { ProjectState } from '../../../core/project/project.js'

const commit = (number: number, message: string): Commit => ({
  hash: String(number).repeat(40), author: 'Ann', timestamp: `2026-01-0${9 - number}T00:00:00Z`, message, files_changed: ['a.ts']
})

const change = (path: string, diff: string | null): UncommittedChange => ({ path, status: 'modified', diff })

function stateOf (commits: Commit[], changes: UncommittedChange[]): ProjectState {
  return {
    git: async () => ({ branch: 'main', head: 'f'.repeat(40), remote: null, remote_url: null, changes }),
    commits: async () => commits
  } as unknown as ProjectState
}

t.test('of what git tells, messages of old commits give way before what is being changed, and long diffs before short ones', async t => {
  const commits = [1, 2, 3].map((number) => commit(number, 'x'.repeat(2000)))
  const changes = [change('a.ts', '+a\n'.repeat(900)), change('b.ts', '+b\n'), change('c.ts', '+c\n'.repeat(100)), change('d.bin', null)]
  const cut = async (maxBytes: number) => {
    const { value, left_out: leftOut } = await gitContextOf(stateOf(commits, changes), [], maxBytes)
    t.ok(sizeOf(value) <= maxBytes)
    return [value!.recent_commits.map(({ message }) => message.length), value!.uncommitted_changes.map(({ diff }) => diff?.length ?? null), leftOut]
  }
  t.strictSame(await cut(20_000), [[2000, 2000, 2000], [2700, 3, 300, null], 0])
  t.strictSame(await cut(6000), [[201, 201, 201], [2700, 3, 300, null], 3])
  t.strictSame(await cut(2500), [[201, 201, 201], [null, 3, 300, null], 4])
  t.strictSame(await cut(1750), [[201, 201, 201], [null, 3, null, null], 5])
  t.strictSame(await cut(1000), [[201], [null, null, null, null], 8])
  t.equal(changes[0]!.diff!.length, 2700, 'what the project told is left as it is')
})

t.test('of a tree, the paths that a plain sort by depth puts first are shown, as many as fit', async t => {
  const names = fc.array(fc.constantFrom('a', 'b', 'ä', 'a.ts', '"'), { minLength: 1, maxLength: 7 })
  const trees = fc.uniqueArray(names.map((parts) => parts.join('/')), { maxLength: 40 })
  let cut = 0
  let trial = 0
  fc.assert(fc.property(trees, fc.nat(600), (paths, maxBytes) => {
    const files = paths.sort().map((path) => ({ path, size: 1 })) as unknown as ProjectState['files']
    const { value, left_out: leftOut } = structureOf({ id: `tree-${trial++}`, files }, maxBytes)
    if (value.files.length > 0 && leftOut > 0) cut++
    const first = shownOf(paths, maxBytes)
    return isDeepStrictEqual([value.files, value.directories, leftOut], [first.sort(), [...new Set(first.flatMap(foldersOf))].sort(), paths.length - first.length])
  }), { numRuns: 500, seed: 1 })
  t.ok(cut > 100, `${cut} of the trees are shown in part`)
})

const depthOf = (path: string): number => path.split('/').length

function foldersOf (path: string): string[] {
  const names = path.split('/')
  return names.slice(1).map((_, count) => names.slice(0, count + 1).join('/'))
}

function shownOf (sorted: string[], maxBytes: number): string[] {
  const shown: string[] = []
  for (const path of sorted.toSorted((a, b) => depthOf(a) - depthOf(b))) {
    const all = [...shown, path]
    const lists = [...all, ...new Set(all.flatMap(foldersOf))]
    if (lists.reduce((sum, text) => sum + sizeOf(text) + 1, 0) > maxBytes) break
    shown.push(path)
  }
  return shown
}
