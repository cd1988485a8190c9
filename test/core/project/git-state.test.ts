import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { createGitState } from '../../../core/project/worker/git-state.js'
import { updateStatus, type KnownEntries } from '../../../core/project/worker/git-status.js'
import { closeGit } from '../../../core/project/worker/git.js'
import { discover, type GitDirectory } from '../../../core/project/worker/git-directory.js'
import { list, standingOf } from '../../../core/project/worker/listings.js'
import { createRepository, git, writeFiles } from '../../support/repository.js'
import { quickFolder } from '../../support/temporary.js'

t.teardown(async () => await closeGit())

const ENVIRONMENT = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a' }
const asItIs = async (text: string): Promise<string> => text

/** What git refuses changes nothing, or half of it. */
function run (root: string, ...args: string[]): void {
  try {
    execFileSync('git', args, { cwd: root, env: ENVIRONMENT, stdio: 'ignore' })
  } catch {}
}

const look = async (root: string): Promise<unknown> => await list(root, { since: undefined, dirty: undefined, isTrusted: false })

const FILES = ['a.txt', 'b.txt', 'src/a.txt', 'src/é.txt', 'src/deep/a.txt', 'docs/\u{1F600}.txt', 'docs/ｆ.txt', 'run.sh']
const LONG = Array.from({ length: 12 }, (_, number) => `line ${number}\n`).join('')
const CONTENTS = ['one\ntwo\nthree\n', LONG, LONG.replace('line 5', 'other'), LONG.replace('line 5', 'another'), LONG.replace('line 9\n', ''), 'one\r\ntwo\r\n', 'one\nTWO\nthree\n', '$Id$\n', '', 'no end', 'ünï\n']
const ATTRIBUTES = ['', '* text=auto\n', '* text eol=crlf\n', '*.txt ident\n', '*.txt working-tree-encoding=UTF-16\n', '*.txt -diff\n', '*.txt filter=canary\n']

type Mutate = (root: string) => void
const file = fc.constantFrom(...FILES)
const put = (root: string, path: string, content: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}
const of = <Argument>(what: string, argument: fc.Arbitrary<Argument>, mutate: (root: string, argument: Argument) => void): fc.Arbitrary<{ what: string, mutate: Mutate }> =>
  argument.map((value) => ({ what: `${what} ${JSON.stringify(value)}`, mutate: (root) => mutate(root, value) }))
const nothing = fc.constant(null)

let edits = 0
const mutations = fc.oneof(
  { weight: 6, arbitrary: of('write', fc.tuple(file, fc.constantFrom(...CONTENTS)), (root, [path, content]) => put(root, path, content)) },
  { weight: 4, arbitrary: of('append', file, (root, path) => appendFileSync(join(root, path), 'more\n')) },
  { weight: 6, arbitrary: of('edit', fc.tuple(file, fc.integer({ min: 0, max: 13 })), (root, [path, at]) => put(root, path, readFileSync(join(root, path), 'utf8').split('\n').with(at, `edit ${edits++}`).join('\n'))) },
  { weight: 2, arbitrary: of('delete', file, (root, path) => rmSync(join(root, path))) },
  of('add', fc.constantFrom('new.txt', 'src/new.txt', 'ignored/new.txt', '.env'), (root, path) => put(root, path, 'new\n')),
  of('rename', fc.tuple(file, file), (root, [from, to]) => renameSync(join(root, from), join(root, to))),
  of('chmod', file, (root, path) => chmodSync(join(root, path), (lstatSync(join(root, path)).mode & 0o777) ^ 0o100)),
  of('link', file, (root, path) => { rmSync(join(root, path)); symlinkSync('a.txt', join(root, path)) }),
  of('file for folder', nothing, (root) => { rmSync(join(root, 'src'), { recursive: true }); put(root, 'src', 'file') }),
  of('folder for file', file, (root, path) => { rmSync(join(root, path)); put(root, `${path}/a.txt`, 'inner') }),
  of('attributes', fc.tuple(fc.constantFrom('.gitattributes', 'src/.gitattributes', 'ignored/.gitattributes', '.git/info/attributes'), fc.constantFrom(...ATTRIBUTES)), (root, [path, content]) => put(root, path, content)),
  of('no attributes', nothing, (root) => rmSync(join(root, '.gitattributes'))),
  of('ignore', fc.constantFrom('ignored/\n', '*.txt\n', '.gitattributes\n', ''), (root, rules) => put(root, '.gitignore', rules)),
  of('config', fc.constantFrom(['core.autocrlf', 'true'], ['core.autocrlf', 'input'], ['core.filemode', 'false'], ['core.filemode', 'true'], ['filter.canary.clean', 'touch canary']), (root, setting) => run(root, 'config', ...setting)),
  of('git add', nothing, (root) => run(root, 'add', '--all')),
  of('git add one', file, (root, path) => run(root, 'add', '--', path)),
  of('git rm --cached', file, (root, path) => run(root, 'rm', '--quiet', '--cached', '--', path)),
  of('git add --intent-to-add', nothing, (root) => run(root, 'add', '--intent-to-add', '.')),
  of('git update-index', fc.constantFrom('--assume-unchanged', '--skip-worktree', '--no-skip-worktree', '--split-index', '--no-split-index'), (root, flag) => run(root, 'update-index', flag, ...(flag.includes('index') ? [] : ['a.txt']))),
  of('git commit', nothing, (root) => run(root, 'commit', '--quiet', '--all', '--message', 'More')),
  of('git commit --amend', nothing, (root) => run(root, 'commit', '--quiet', '--amend', '--message', 'Other')),
  of('git reset', fc.constantFrom(['--hard'], ['--soft', 'HEAD~1'], ['HEAD~1']), (root, how) => run(root, 'reset', '--quiet', ...how)),
  of('git stash', nothing, (root) => run(root, 'stash', '--include-untracked', '--quiet')),
  of('git stash pop', nothing, (root) => run(root, 'stash', 'pop', '--quiet')),
  of('git switch', nothing, (root) => run(root, 'switch', '--quiet', '--create', `topic-${Math.trunc(performance.now() * 1000)}`)),
  of('git status', nothing, (root) => run(root, 'status'))
)

for (const within of ['', 'src']) {
  t.test(`what is kept of git's answers is what git would answer${within === '' ? '' : ', in a folder of a repository'}`, async t => {
    const base = await quickFolder(t, 'cco-git-state')
    let count = 0
    await fc.assert(fc.asyncProperty(fc.array(mutations, { minLength: 4, maxLength: 14 }), async (steps) => {
      const top = join(base, String(count++))
      const root = join(top, within)
      for (const [index, path] of FILES.entries()) put(top, path, `${LONG}${index}\n`)
      put(top, '.gitignore', 'ignored/\n')
      run(top, 'init', '--quiet', '--initial-branch', 'main')
      run(top, 'add', '--all')
      run(top, 'commit', '--quiet', '--message', 'Begin')
      const kept = createGitState(root, asItIs)
      try {
        await look(root)
        await kept.facts()
        for (const { what, mutate } of steps) {
          try {
            mutate(top)
          } catch {
            // There is no such file any more, or a folder in its place: nothing happened, or half of it.
          }
          if (lstatSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) break
          await look(root)
          const fresh = createGitState(root, asItIs)
          t.strictSame(await kept.facts(), await fresh.facts(), what)
          t.strictSame(await kept.commits(3), await fresh.commits(3), `${what}: commits`)
        }
        if (!t.passing()) throw new Error(`after ${steps.map(({ what }) => what).join(', ')}`)
      } finally {
        rmSync(top, { recursive: true, force: true })
      }
    }), { numRuns: Number(process.env.CCO_RUNS ?? 8), endOnFailure: true })
  })
}

t.test('an edit is told without asking git for the status', async t => {
  const root = join(await quickFolder(t, 'cco-git-state'), 'root')
  await createRepository(root, { 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n', '.gitattributes': '* text=auto\n' })
  await look(root)
  const directory = discover(root) as GitDirectory
  const update = async (paths: string[], known: KnownEntries = new Map()): Promise<unknown> => (await updateStatus(root, '', directory, standingOf(root)!.files, [], new Set(paths), known))?.map(({ path, code }) => ({ path, code }))
  await writeFiles(root, { 'a.txt': 'other\n', 'new.txt': 'new\n' })
  rmSync(join(root, 'c.txt'))
  await look(root)
  t.strictSame(await update(['new.txt', 'c.txt', 'b.txt', 'a.txt']), [{ path: 'a.txt', code: '.M' }, { path: 'c.txt', code: '.D' }, { path: 'new.txt', code: '?' }])
  const known: KnownEntries = new Map()
  t.ok(await update(['a.txt', 'new.txt'], known))
  await writeFiles(root, { '.git/index': 'none' })
  t.strictSame(await update(['a.txt', 'new.txt'], known), [{ path: 'a.txt', code: '.M' }, { path: 'new.txt', code: '?' }], 'an entry of the index that was looked for is not looked for again')
  t.equal(await update(['b.txt'], known), undefined)
  rmSync(join(root, '.git/index'))
  await git(root, 'reset', '--quiet')
  await writeFiles(root, { 'b.txt': 'b\r\n' })
  await look(root)
  t.equal(await update(['b.txt']), undefined, 'but for what git may convert')
  await git(root, 'update-index', '--assume-unchanged', 'a.txt')
  await look(root)
  t.equal(await update(['a.txt']), undefined, 'and for what it is told to leave alone')
})

t.test('FAULT 29: of a commit that brings in a whole tree the first thousand paths are told, without those of secrets', async t => {
  const root = join(await quickFolder(t, 'cco-git-state'), 'root')
  const paths = Array.from({ length: 1100 }, (_, index) => `part/file-${1000 + index}.txt`)
  await createRepository(root, Object.fromEntries(['a/.env', ...paths].map((path) => [path, ''])))
  await look(root)
  const [commit] = await createGitState(root, asItIs).commits(1)
  t.strictSame(commit?.files_changed, paths.slice(0, 1000))
})

t.test('diffs are those against the head, whatever of them is in the index', async t => {
  const root = join(await quickFolder(t, 'cco-git-state'), 'root')
  const names = ['both', 'deleted', 'gone-from-index', 'plain', 'readded', 'staged', 'tool']
  await createRepository(root, Object.fromEntries(names.map((name) => [`${name}.txt`, LONG])))
  const changed = LONG.replace('line 5', 'other')
  await writeFiles(root, { 'both.txt': changed, 'staged.txt': changed, 'intended.txt': LONG, 'new.txt': LONG })
  run(root, 'add', 'both.txt', 'staged.txt', 'new.txt')
  run(root, 'add', '--intent-to-add', 'intended.txt')
  run(root, 'rm', '--cached', 'gone-from-index.txt', 'readded.txt')
  run(root, 'add', '--intent-to-add', 'readded.txt')
  await writeFiles(root, { 'both.txt': LONG.replace('line 9\n', ''), 'plain.txt': changed, 'readded.txt': changed })
  rmSync(join(root, 'deleted.txt'))
  chmodSync(join(root, 'tool.txt'), 0o755)
  await look(root)
  const { changes = [] } = await createGitState(root, asItIs).facts() ?? {}
  t.strictSame(changes.map(({ path }) => path).sort(), [...names, 'gone-from-index', 'intended', 'new'].map((name) => `${name}.txt`).sort())
  for (const { path, status, diff } of changes) {
    if (status === 'untracked') continue
    const whole = execFileSync('git', ['diff', '--no-renames', 'HEAD', '--', path], { cwd: root, env: ENVIRONMENT, encoding: 'utf8' })
    t.equal(diff ?? '', whole, path)
  }
})
