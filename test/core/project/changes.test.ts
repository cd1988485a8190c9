import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { createProject, type ProjectState } from '../../../core/project/project.js'
import { closeGit } from '../../../core/project/worker/git.js'
import { createProjectWorker } from '../../../core/project/worker/client.js'
import { Listing } from '../../../core/project/worker/listing.js'
import { quickFolder } from '../../support/temporary.js'

const worker = createProjectWorker()
t.teardown(async () => await worker.close())
t.teardown(async () => await closeGit())

const ENVIRONMENT = {
  PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a'
}

/** What git refuses (a conflict, nothing to stash) changes nothing, or half of it. */
function git (root: string, ...args: string[]): void {
  try {
    execFileSync('git', args, { cwd: root, env: ENVIRONMENT, stdio: 'ignore' })
  } catch {}
}

let count = 0
/** Of the same length each time, and never the same. */
const text = (): string => `${String(count++).padStart(8, '0')}\n`

function write (root: string, path: string, content = text()): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}

const FILES = ['a.txt', 'b.txt', 'src/a.txt', 'src/b.txt', 'src/deep/a.txt', 'docs/a.txt', 'docs/b.txt', 'ignored/a.txt', '.env']
const FOLDERS = ['src', 'src/deep', 'docs', 'ignored', 'new', 'new/deep']
const RULES = ['ignored/\n', 'docs/\n', '*.txt\n!a.txt\n', '/src/deep\n', 'b.*\n', '']
const file = fc.constantFrom(...FILES)
const folder = fc.constantFrom(...FOLDERS)
const two = fc.tuple(file, file)

type Mutate = (root: string, outside: string) => void | Promise<void>
interface Mutation { what: string, run: Mutate }
const mutation = <Argument>(what: string, argument: fc.Arbitrary<Argument>, run: (argument: Argument, ...more: Parameters<Mutate>) => void | Promise<void>): fc.Arbitrary<Mutation> => argument.map((value) => ({
  what: `${what} ${JSON.stringify(value) ?? ''}`, run: async (root, outside) => await run(value, root, outside)
}))
const nothing = fc.constant(undefined)

const mutations = fc.oneof(
  mutation('edit', file, (path, root) => write(root, path)),
  mutation('edit twice at once', file, (path, root) => { write(root, path); write(root, path) }),
  mutation('edit and set the time back', file, (path, root) => { write(root, path); utimesSync(join(root, path), 1e9, 1e9) }),
  mutation('append', file, (path, root) => write(root, path, text() + text())),
  mutation('add', folder, (path, root) => write(root, `${path}/${count}.txt`)),
  mutation('delete', file, (path, root) => rmSync(join(root, path))),
  mutation('rename', two, ([from, to], root) => renameSync(join(root, from), join(root, to))),
  mutation('replace', file, (path, root) => { write(root, 'temporary'); renameSync(join(root, 'temporary'), join(root, path)) }),
  mutation('change the case', file, (path, root) => renameSync(join(root, path), join(root, path.toUpperCase()))),
  mutation('chmod', file, (path, root) => chmodSync(join(root, path), (lstatSync(join(root, path)).mode & 0o777) ^ 0o100)),
  mutation('touch', file, (path, root) => utimesSync(join(root, path), new Date(), new Date())),
  mutation('make a folder', folder, (path, root) => { mkdirSync(join(root, path, 'more/and/more'), { recursive: true }); write(root, `${path}/more/and/more/a.txt`) }),
  mutation('remove a folder', folder, (path, root) => rmSync(join(root, path), { recursive: true })),
  mutation('rename a folder', fc.tuple(folder, folder), ([from, to], root) => renameSync(join(root, from), join(root, to))),
  mutation('replace a folder', folder, (path, root) => { renameSync(join(root, path), join(root, 'moved')); write(root, `${path}/a.txt`); rmSync(join(root, 'moved'), { recursive: true }) }),
  mutation('swap a folder for a link', folder, (path, root, outside) => { rmSync(join(root, path), { recursive: true }); symlinkSync(outside, join(root, path)) }),
  mutation('swap a file for a link', file, (path, root, outside) => { rmSync(join(root, path)); symlinkSync(join(outside, 'a.txt'), join(root, path)) }),
  mutation('swap a link back', fc.constantFrom(...FILES, ...FOLDERS), (path, root) => { if (lstatSync(join(root, path)).isSymbolicLink()) { rmSync(join(root, path)); write(root, `${path}/a.txt`) } }),
  mutation('swap a file for a folder', file, (path, root) => { rmSync(join(root, path)); write(root, `${path}/inner.txt`) }),
  mutation('swap a folder for a file', folder, (path, root) => { rmSync(join(root, path), { recursive: true }); write(root, path) }),
  mutation('edit by a name elsewhere', nothing, (_, __, outside) => writeFileSync(join(outside, 'linked'), text())),
  mutation('ignore', fc.tuple(fc.constantFrom('', 'src/', 'docs/'), fc.constantFrom(...RULES)), ([at, rules], root) => write(root, `${at}.gitignore`, rules)),
  mutation('exclude', fc.constantFrom(...RULES), (rules, root) => write(root, '.git/info/exclude', rules)),
  mutation('git add', nothing, (_, root) => git(root, 'add', '--all')),
  mutation('git add --force', file, (path, root) => git(root, 'add', '--force', '--', path)),
  mutation('git rm --cached', file, (path, root) => git(root, 'rm', '--quiet', '--cached', '--', path)),
  mutation('git commit', nothing, (_, root) => { git(root, 'add', '--all'); git(root, 'commit', '--quiet', '--message', 'More') }),
  mutation('git switch --create', nothing, (_, root) => git(root, 'switch', '--quiet', '--create', `topic/${count++}`)),
  mutation('git switch', nothing, (_, root) => git(root, 'switch', '--quiet', '--force', 'main')),
  mutation('git switch -', nothing, (_, root) => git(root, 'switch', '--quiet', '--force', '-')),
  mutation('git switch --detach', nothing, (_, root) => git(root, 'switch', '--quiet', '--detach')),
  mutation('git stash', nothing, (_, root) => git(root, 'stash', '--include-untracked', '--quiet')),
  mutation('git stash pop', nothing, (_, root) => git(root, 'stash', 'pop', '--quiet')),
  mutation('git reset --hard', fc.constantFrom('HEAD', 'HEAD~1'), (to, root) => git(root, 'reset', '--quiet', '--hard', to)),
  mutation('git clean', nothing, (_, root) => git(root, 'clean', '--quiet', '-fdx')),
  mutation('git status', nothing, (_, root) => git(root, 'status')),
  mutation('git pack-refs', nothing, (_, root) => git(root, 'pack-refs', '--all')),
  mutation('a repository within', folder, (path, root) => git(root, 'init', '--quiet', path)),
  mutation('no repository within any more', folder, (path, root) => rmSync(join(root, path, '.git/HEAD'))),
  mutation('no repository', nothing, (_, root) => { if (existsSync(join(root, '.git'))) renameSync(join(root, '.git'), join(root, '../kept')); else renameSync(join(root, '../kept'), join(root, '.git')) }),
  mutation('the root replaced', nothing, (_, root) => { execFileSync('cp', ['-a', root, `${root}.copy`]); rmSync(root, { recursive: true }); renameSync(`${root}.copy`, root) })
)

const rows = (files: Iterable<{ path: string, size: number, modified: number }>): string[] => [...files].map(({ path, size, modified }) => `${path} ${size} ${modified}`).sort()

/** What a sidecar that has never looked before sees. */
async function expected (root: string): Promise<{ files: string[], secrets: string[], hasGit: boolean }> {
  const listing = new Listing(root)
  await listing.update(undefined, false)
  return { files: rows(listing.files.values()), secrets: listing.secrets, hasGit: listing.hasGit }
}

async function contentsOf (state: ProjectState): Promise<string[]> {
  return await Promise.all(state.files.map(async ({ path }) => `${path} ${await state.read(path)}`))
}

const contentsOnDisk = (root: string, state: ProjectState): string[] => state.files.map(({ path }) => `${path} ${readFileSync(join(root, path), 'utf8')}`)

for (const [what, options] of [['with a watch', {}], ['without a watch', { watch: false }], ['with a watch that loses events', { watch: { maxEvents: 5 } }]] as const) {
  t.test(`whatever happens is seen by the next call, ${what}`, async t => {
    const base = await quickFolder(t, 'cco-changes')
    let run = 0
    await fc.assert(fc.asyncProperty(fc.array(mutations, { minLength: 3, maxLength: 14 }), fc.boolean(), async (steps, isReady) => {
      const [root, outside] = [join(base, String(run), 'root'), join(base, String(run++), 'outside')]
      for (const path of FILES) write(root, path)
      write(root, '.gitignore', 'ignored/\n')
      write(outside, 'a.txt')
      linkSync(join(root, 'docs/b.txt'), join(outside, 'linked'))
      git(root, 'init', '--quiet', '--initial-branch', 'main')
      git(root, 'add', '--all')
      git(root, 'commit', '--quiet', '--message', 'Begin')
      const project = createProject({ id: 'p', root, worker, maxFileBytes: 1000, ...options })
      try {
        await project.now()
        if (isReady) await wait(30)
        for (const { what, run } of steps) {
          const before = await project.now()
          await contentsOf(before)
          try {
            await run(root, outside)
          } catch {
            // There is no such file any more, or a folder in its place: nothing happened, or half of it.
          }
          const state = await project.now()
          const fresh = await expected(root)
          t.strictSame({ files: rows(state.files), secrets: [...state.secretFiles], hasGit: state.fingerprint !== '' && fresh.hasGit }, fresh, what)
          t.strictSame(state.files.map(({ path }) => path), state.files.map(({ path }) => path).sort(), 'sorted')
          t.strictSame(await contentsOf(state), contentsOnDisk(root, state), `${what}: contents`)
        }
        const other = createProject({ id: 'p', root, worker, maxFileBytes: 1000, watch: false })
        t.strictSame(await (await project.now()).git(), await (await other.now()).git(), 'git')
        if (!t.passing()) throw new Error(`after ${steps.map(({ what }) => what).join(', ')}`)
      } finally {
        project.close()
        rmSync(dirname(root), { recursive: true, force: true })
      }
    }), { numRuns: Number(process.env.CCO_RUNS ?? 15), endOnFailure: true })
  })
}
