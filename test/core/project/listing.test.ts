import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { holdsSecrets } from '../../../core/project/secret-files.js'
import { closeGit } from '../../../core/project/worker/git.js'
import { Listing } from '../../../core/project/worker/listing.js'
import { createRepository, git, writeFiles } from '../../support/repository.js'
import { quickFolder } from '../../support/temporary.js'

t.teardown(async () => await closeGit())

/** What git lists, less what is no file or lies behind a link. */
function listedByGit (root: string): string[] {
  const output = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root, env: { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' }, stdio: ['ignore', 'pipe', 'ignore']
  })
  const isFile = (path: string): boolean => {
    const folder = dirname(path)
    return (folder === '.' || isFolder(folder)) && lstatSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true
  }
  const isFolder = (path: string): boolean => (dirname(path) === '.' || isFolder(dirname(path))) && lstatSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() === true
  return [...new Set(output.toString('utf8').split('\0'))].filter((path) => path !== '' && isFile(path) && !holdsSecrets(path)).sort()
}

async function listedHere (root: string): Promise<string[]> {
  const listing = new Listing(root)
  await listing.update(undefined, false)
  return [...listing.files.keys()].sort()
}

function write (root: string, path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}

/** The least that git takes for a repository. */
function makeRepository (root: string, path = '.git'): void {
  for (const folder of ['objects', 'refs']) mkdirSync(join(root, path, folder), { recursive: true })
  write(root, join(path, 'HEAD'), 'ref: refs/heads/main\n')
  write(root, join(path, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = false\n')
}

const NAMES = ['a', 'b', 'ab', 'A', 'a.b', '.a', 'é', ' a', 'a ', '#a', '!a', '[a]', 'a*', 'a\\b', 'build', '漢']
const name = fc.constantFrom(...NAMES)
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
const token = fc.constantFrom(...NAMES, '*', '**', '**/', '/**', '?', '/', '\\', '!', '#', '[ab]', '[!a]', '[^b]', '[a-', '[]a]', '[a-c]', '[[:alpha:]]', '[[:nope:]]', '\\ ', ' ', '\t', '\r', 'b*', '*a')
const line = fc.oneof(
  fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('')),
  path, path.map((text) => `/${text}`), path.map((text) => `!${text}`), name.map((text) => `${text}/`), name.map((text) => `!${text}/`), name.map((text) => `**/${text}`), name.map((text) => `${text}/**`), name.map((text) => `!/${text}/*`)
)
const rules = fc.record({
  lines: fc.array(line, { minLength: 1, maxLength: 6 }), mark: fc.constantFrom('', '', '', '\uFEFF'), end: fc.constantFrom('\n', '\n', '\r\n'), last: fc.boolean()
}).map(({ lines, mark, end, last }) => mark + lines.join(end) + (last ? end : ''))
const repository = fc.record({
  files: fc.array(path, { minLength: 1, maxLength: 14 }),
  tracked: fc.array(fc.nat(13), { maxLength: 4 }),
  links: fc.array(fc.tuple(path, fc.constantFrom('a', '..', '../b', '/nonexistent')), { maxLength: 2 }),
  rules: fc.array(fc.tuple(fc.oneof(fc.constant(''), path), rules), { maxLength: 3 }),
  exclude: fc.option(rules, { freq: 4 }),
  nested: fc.array(path, { maxLength: 1 }),
  start: fc.oneof({ weight: 4, arbitrary: fc.constant('') }, { weight: 1, arbitrary: name })
})

t.test('whatever is ignored, git and the listing agree', async t => {
  const base = await quickFolder(t, 'cco-listing')
  let run = 0
  await fc.assert(fc.asyncProperty(repository, async ({ files, tracked, links, rules, exclude, nested, start }) => {
    const root = join(base, String(run++))
    mkdirSync(root)
    const attempt = (action: () => void): void => {
      try {
        action()
      } catch {
        // A name that is a file already is no folder; the rest of the repository stands.
      }
    }
    makeRepository(root)
    for (const file of files) attempt(() => write(root, file, ''))
    const added = tracked.map((index) => files[index % files.length]!).filter((file) => existsSync(join(root, file)) && lstatSync(join(root, file)).isFile())
    if (added.length > 0) execFileSync('git', ['--literal-pathspecs', 'add', '--force', '--', ...added], { cwd: root })
    for (const [folder, content] of rules) attempt(() => write(root, join(folder, '.gitignore'), content))
    for (const folder of nested) attempt(() => makeRepository(root, join(folder, '.git')))
    if (exclude !== null) write(root, '.git/info/exclude', exclude)
    // Last, so that nothing is written through them.
    for (const [from, to] of links) attempt(() => symlinkSync(to, join(root, from)))
    const from = existsSync(join(root, start)) && lstatSync(join(root, start)).isDirectory() ? join(root, start) : root
    const expected = listedByGit(from)
    // A project in an ignored folder is one of its own.
    if (expected.length > 0 || from === root) t.strictSame(await listedHere(from), expected)
    rmSync(root, { recursive: true })
  }), { numRuns: Number(process.env.CCO_RUNS ?? 80) })
})

t.test('awkward rules, one by one', async t => {
  const root = join(await quickFolder(t, 'cco-listing'), 'root')
  await createRepository(root, { 'ignored/tracked.txt': '', 'ignored/deep/tracked.txt': '', 'kept.log': '' })
  await writeFiles(root, {
    '.gitignore': '\uFEFF*.log\r\n!important.log\n/anchored\ndoc/**/x\n**/everywhere\nspaces\\ \ntrailing   \n\\#hash\n\\!bang\n#comment\nfolder-only/\nignored\n!ignored/again\nparent/*\n!parent/child/\n[[:digit:]]?.txt\n',
    'a.log': '', 'important.log': '', anchored: '', 'sub/anchored': '', 'doc/x': '', 'doc/a/b/x': '', 'doc/a/y': '', 'p/q/everywhere': '', 'spaces ': '', spaces: '', trailing: '', 'trailing   ': '',
    '#hash': '', '!bang': '', '#comment': '', 'folder-only': '', 'sub/folder-only/x': '', 'ignored/new.txt': '', 'ignored/again/x': '', 'parent/a': '', 'parent/child/b': '', '12.txt': '', '1é.txt': '',
    'sub/.gitignore': '!*.log\n/own\n', 'sub/b.log': '', 'sub/own': '', 'sub/deep/own': '', 'A.LOG': ''
  })
  const listed = await listedHere(root)
  t.strictSame(listed, listedByGit(root))
  for (const path of ['ignored/tracked.txt', 'ignored/deep/tracked.txt', 'kept.log', 'important.log', 'sub/b.log', 'sub/anchored', 'spaces', 'trailing   ', 'folder-only', 'parent/child/b', 'A.LOG']) t.ok(listed.includes(path), path)
  for (const path of ['a.log', 'anchored', 'doc/x', 'doc/a/b/x', 'spaces ', 'trailing', '#hash', '!bang', 'sub/folder-only/x', 'ignored/new.txt', 'ignored/again/x', 'parent/a', 'sub/own', '12.txt']) t.notOk(listed.includes(path), path)
})

t.test('repositories within a repository', async t => {
  const base = await quickFolder(t, 'cco-listing')
  const root = join(base, 'root')
  await createRepository(join(base, 'other'), { 'o.txt': '' })
  await createRepository(root, { 'a.txt': '', 'wasplain/tracked.txt': '' })
  await git(root, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', join(base, 'other'), 'lib')
  await git(root, 'worktree', 'add', '--quiet', 'tree', '-b', 'tree')
  await createRepository(join(root, 'nested'), { 'n.txt': '' })
  await createRepository(join(root, 'empty'), {})
  await writeFiles(root, { 'wasplain/new.txt': '', 'nohead/.git/config': '', 'nohead/x.txt': '', 'badfile/.git': 'nonsense\n', 'badfile/x.txt': '', 'gone/.git': 'gitdir: /nonexistent\n', 'gone/x.txt': '' })
  makeRepository(root, 'wasplain/.git')
  t.strictSame(await listedHere(root), listedByGit(root))
  t.strictSame(await listedHere(join(root, 'tree')), listedByGit(join(root, 'tree')))
  t.strictSame(await listedHere(join(root, 'lib')), listedByGit(join(root, 'lib')))
})

t.test('FAULT 30: every form of the index', async t => {
  const base = await quickFolder(t, 'cco-listing')
  const files = Object.fromEntries(['a.txt', 'b/c.txt', 'b/é.txt', 'b/deep/er/d.txt', `long/${'n'.repeat(200)}.txt`, 'z.txt', ...Array.from({ length: 40 }, (_, index) => `many/file-${index}.txt`)].map((path) => [path, path]))
  const forms: [what: string, make: (root: string) => Promise<unknown>][] = [
    ['version 2', async () => {}],
    ['version 3, with intent to add', async (root) => { await writeFiles(root, { 'intended.txt': '' }); await git(root, 'add', '--intent-to-add', 'intended.txt') }],
    ['version 4', async (root) => await git(root, 'update-index', '--index-version', '4')],
    ['skip-worktree and assume-unchanged', async (root) => { await git(root, 'update-index', '--skip-worktree', 'a.txt'); await git(root, 'update-index', '--assume-unchanged', 'z.txt'); rmSync(join(root, 'z.txt')) }],
    ['split', async (root) => await git(root, 'update-index', '--split-index')],
    ['an untracked cache', async (root) => await git(root, 'update-index', '--force-untracked-cache')],
    ['without a checksum', async (root) => { await git(root, 'config', 'index.skipHash', 'true'); await git(root, 'reset', '--quiet') }],
    ['sparse', async (root) => await git(root, 'sparse-checkout', 'set', '--cone', '--sparse-index', 'b')],
    ['a sparse check-out whose ignore files are not there', async (root) => {
      await writeFiles(root, { 'many/.gitignore': '*.log\n' }); await git(root, 'add', '--force', 'many/.gitignore'); await git(root, 'commit', '--quiet', '--message', 'Ignore')
      await git(root, 'sparse-checkout', 'set', '--no-cone', '/b/'); await writeFiles(root, { 'many/x.log': '', 'many/x.txt': '' })
    }],
    ['a conflict', async (root) => {
      await git(root, 'switch', '--quiet', '--create', 'topic'); await writeFiles(root, { 'a.txt': 'one' }); await git(root, 'commit', '--quiet', '--all', '--message', 'One')
      await git(root, 'switch', '--quiet', 'main'); await writeFiles(root, { 'a.txt': 'two' }); await git(root, 'commit', '--quiet', '--all', '--message', 'Two'); await git(root, 'merge', 'topic').catch(() => {})
    }],
    ['none', async (root) => { rmSync(join(root, '.git/index')) }]
  ]
  for (const [what, make] of forms) {
    await t.test(what, async t => {
      const root = join(base, what)
      await createRepository(root, { ...files, '.gitignore': 'many/\n' })
      await git(root, 'add', '--force', 'many')
      await git(root, 'commit', '--quiet', '--message', 'Many')
      await make(root)
      t.strictSame(await listedHere(root), listedByGit(root))
    })
  }
  await t.test('SHA-256', async t => {
    const root = join(base, 'sha256')
    await writeFiles(root, files)
    await git(root, 'init', '--quiet', '--object-format=sha256')
    await git(root, 'add', 'b')
    t.strictSame(await listedHere(root), listedByGit(root))
  })
})

t.test('FAULT 34: a stamp counts only once the tick of its file is over', async t => {
  // File systems stamp with a clock that ticks every few milliseconds, so a second write may leave no trace in the stamp.
  const root = await quickFolder(t, 'cco-listing')
  writeFileSync(join(root, 'a'), 'first')
  const { ctimeMs } = lstatSync(join(root, 'a'))
  const listing = new Listing(root)
  const fingerprint = async (): Promise<string> => {
    await listing.update(undefined, false)
    return listing.fingerprint
  }
  const now = Date.now
  t.teardown(() => { Date.now = now })
  Date.now = () => ctimeMs + 1
  t.not(await fingerprint(), await fingerprint(), 'while it may still be written unnoticed, no two listings are the same')
  Date.now = () => ctimeMs + 13
  t.equal(await fingerprint(), await fingerprint(), 'then they are')
  Date.now = now
  writeFileSync(join(root, 'a'), 'other')
  t.equal(await fingerprint(), await fingerprint(), 'a listing right after a write waits for that')
})
