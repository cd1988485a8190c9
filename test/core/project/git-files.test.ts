import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createProject } from '../../../core/project/project.js'
import { isWatchable } from '../../../core/project/watch.js'
import { createProjectWorker } from '../../../core/project/worker/client.js'
import { booleanOf, parseGitConfig } from '../../../core/project/worker/git-config.js'
import { discover, readHead } from '../../../core/project/worker/git-directory.js'
import { readIndex } from '../../../core/project/worker/git-index.js'
import { closeGit } from '../../../core/project/worker/git.js'
import { Listing } from '../../../core/project/worker/listing.js'
import { wildmatch } from '../../../core/project/worker/wildmatch.js'
import { MOST_COST, costOf } from '../../support/cost.js'
import { createRepository, git, writeFiles } from '../../support/repository.js'
import { quickFolder, temporaryFolder } from '../../support/temporary.js'

t.teardown(async () => await closeGit())

const FILES = { 'a.txt': 'a\n', 'src/b.txt': 'b\n', 'ignored/c.txt': 'c\n' }

async function makeRepository (t: Test): Promise<string> {
  const root = join(await quickFolder(t, 'cco-git'), 'root')
  await createRepository(root, FILES)
  // From here on, only the index says that the ignored file is part of the project.
  await writeFiles(root, { '.gitignore': 'ignored/\n' })
  return root
}

async function list (root: string): Promise<string[]> {
  const listing = new Listing(root)
  await listing.update(undefined, false)
  return [...listing.files.keys()].sort()
}

const ALL = ['.gitignore', 'a.txt', 'ignored/c.txt', 'src/b.txt']

t.test('FAULT 31: an index that is written in place while it is read', async t => {
  const root = await makeRepository(t)
  const path = join(root, '.git/index')
  const whole = readFileSync(path)
  truncateSync(path, whole.length - 30)
  t.equal(await readIndex(path, 20), 'torn')
  const listed = list(root)
  await wait(7)
  writeFileSync(path, whole)
  t.strictSame(await listed, ALL, 'is read again when it is whole')
  writeFileSync(path, '')
  t.equal(await readIndex(path, 20), 'torn')
  writeFileSync(path, 'no index at all, but long enough to be one of some kind')
  t.equal(await readIndex(path, 20), 'unknown')
  t.strictSame(await list(root), ['.gitignore', 'a.txt', 'src/b.txt'], 'and where git cannot read it either, the folder is walked')
})

t.test('FAULT 31: an index that is locked, and a collection of garbage', async t => {
  const root = await makeRepository(t)
  writeFileSync(join(root, '.git/index.lock'), 'half')
  t.strictSame(await list(root), ALL)
  rmSync(join(root, '.git/index.lock'))
  const [listed] = await Promise.all([list(root), git(root, 'gc', '--quiet', '--prune=now')])
  t.strictSame(listed, ALL)
  t.strictSame(await list(root), ALL)
})

t.test('FIFOs in the place of what git keeps hang nobody', async t => {
  for (const path of ['.git/HEAD', '.git/index', '.git/config', '.git/packed-refs', '.git/shallow', '.git/commondir', '.git/info/exclude', '.git/refs/heads/main', '.gitignore', 'src/.gitignore', 'src/.git']) {
    const root = await makeRepository(t)
    rmSync(join(root, path), { force: true })
    execFileSync('mkfifo', [join(root, path)])
    const root2 = discover(root)
    if (typeof root2 === 'object') readHead(root2)
    // What git itself reads there hangs git, which has its limits; here the head and the index do not get that far.
    if (path !== '.git/index') t.ok((await list(root)).includes('a.txt'), path)
  }
})

t.test('a file that goes while it is read', async t => {
  const root = await temporaryFolder(t, 'cco-git')
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}.txt`, `${index}\n`]))
  await createRepository(root, files)
  const worker = createProjectWorker()
  t.teardown(async () => await worker.close())
  const project = createProject({ id: 'p', root, worker, maxFileBytes: 1000 })
  const state = await project.now()
  const prepared = state.prepare(Object.keys(files))
  for (const path of Object.keys(files)) rmSync(join(root, path))
  for (const file of await prepared) t.ok('content' in file || file.refused === 'gone', file.path)
  t.strictSame((await project.now()).files, [])
})

t.test('the head is read without git', async t => {
  const root = await makeRepository(t)
  const head = (): ReturnType<typeof readHead> | string => {
    const found = discover(root)
    return typeof found === 'object' ? readHead(found) : found
  }
  const commit = (await git(root, 'rev-parse', 'HEAD')).trim()
  t.match(head(), { branch: 'main', commit })
  await git(root, 'switch', '--quiet', '--create', 'feature/one')
  await git(root, 'pack-refs', '--all')
  t.match(head(), { branch: 'feature/one', commit })
  await git(root, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/main')
  await git(root, 'symbolic-ref', 'HEAD', 'refs/heads/alias')
  t.match(head(), { branch: 'alias', commit })
  await git(root, 'switch', '--quiet', '--detach', 'main')
  t.match(head(), { branch: null, commit })
  await git(root, 'switch', '--quiet', '--orphan', 'empty')
  t.match(head(), { branch: 'empty', commit: null })
})

t.test('what is unusual is left to git', async t => {
  const unusual: [key: string, value: string][] = [['core.ignoreCase', 'true'], ['include.path', '/nonexistent'], ['core.worktree', '/tmp'], ['core.repositoryFormatVersion', '99'], ['extensions.objectFormat', 'sha256']]
  for (const [key, value] of unusual) {
    const root = await makeRepository(t)
    t.type(discover(root), 'object')
    await git(root, 'config', key, value)
    t.equal(discover(root), 'unusual', key)
  }
  const root = await makeRepository(t)
  await git(root, 'config', 'core.ignoreCase', 'true')
  await writeFiles(root, { '.gitignore': 'IGNORED/\nA.TXT2\n', 'a.txt2': '', 'ignored/new.txt': '' })
  t.strictSame(await list(root), ALL, 'which knows about capitals')
})

t.test('configuration of git', async t => {
  const config = parseGitConfig('\uFEFF; comment\n[core]\n\tbare = false # no\n  IgnoreCase\n[Remote "My \\"origin\\""] url = "https://x/#y" ; z\n\tpath = a\\\n b  c  \n[old.Style]\nkey=\\t\\"\n[core] bare=on\n')
  t.strictSame([...config ?? []], [['core.bare', ['false', 'on']], ['core.ignorecase', [null]], ['remote.My "origin".url', ['https://x/#y']], ['remote.My "origin".path', ['a b  c']], ['old.style.key', ['\t"']]])
  t.equal(booleanOf(config!, 'core.bare'), true)
  t.equal(booleanOf(config!, 'core.ignorecase'), true)
  t.equal(booleanOf(config!, 'core.absent'), undefined)
  for (const [value, meant] of [['0', false], ['no', false], ['', false], ['7', true], ['YES', true], ['maybe', undefined]] as const) t.equal(booleanOf(new Map([['x.y', [value]]]), 'x.y'), meant, value)
  for (const broken of ['key = value', '[core', '[core]\n= x', '[core]\nx = "open', '[core]\nx = \\q', '[core]\nx y']) t.equal(parseGitConfig(broken), undefined, broken)
})

t.test('patterns for which git takes longer than anybody waits', async t => {
  const cost = await costOf(() => {
    for (const [pattern, text, matches] of [
      [`${'**/a/'.repeat(30)}b`, 'a/'.repeat(120) + 'c', false], [`${'**/a/'.repeat(30)}b`, 'a/'.repeat(120) + 'b', true], [`${'*a'.repeat(100)}b`, 'a'.repeat(250), false], ['**/'.repeat(1300), 'a', false], ['**/'.repeat(2700), 'a', false], ['*'.repeat(10_000), 'a', false]
    ] as const) t.equal(wildmatch(pattern, text, true), matches, pattern.slice(0, 20))
  })
  t.ok(cost < MOST_COST, `costs ${Math.round(cost)}`)
  const root = await makeRepository(t)
  const deep = 'a/'.repeat(60)
  await writeFiles(root, { [`${deep}x.txt`]: '', '.gitignore': `${'**/a/'.repeat(12)}b\n` })
  t.ok((await list(root)).includes(`${deep}x.txt`))
})

t.test('only what a local disk tells is believed', async t => {
  t.equal(await isWatchable(['/proc']), false)
  t.equal(await isWatchable(['/nonexistent']), false)
  t.equal(await isWatchable([await temporaryFolder(t, 'cco-git')]), process.platform === 'linux')
})
