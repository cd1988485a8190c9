import t from 'tap'
import { gitContextOf, sizeOf } from '../../../core/context/sections.js'
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
