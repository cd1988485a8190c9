import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createProject, type ProjectState } from '../../../core/project/project.js'
import { readGuarded } from '../../../core/project/worker/guarded-read.js'
import { createProjectWorker } from '../../../core/project/worker/client.js'
import { createRepository, git, writeFiles } from '../../support/repository.js'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'

const worker = createProjectWorker()
t.teardown(async () => await worker.close())

async function stateOf (root: string, maxFileBytes = 2 * 1024 * 1024): Promise<ProjectState> {
  return await createProject({ id: 'p', root, worker, maxFileBytes }).now()
}

const pathsOf = (state: ProjectState): string[] => state.files.map(({ path }) => path)

t.test('FAULT 30: every kind of repository is answered', async t => {
  const base = await temporaryFolder(t, 'cco-project')
  const at = (name: string): string => join(base, name)
  const FILES = { 'src/a.py': 'a = 1\n', 'docs/b.md': '# B\n' }
  const inHead = /^[0-9a-f]{40}$/

  await t.test('a folder without git, whose ignore files count', async t => {
    await writeFiles(at('plain'), {
      ...FILES, '.gitignore': '*.log\nbuild/\n!keep.log\n', 'x.log': '', 'keep.log': '', 'build/out.js': '', 'src/.gitignore': '/local.py\n', 'src/local.py': '', 'src/deep/local.py': '',
      'node_modules/x/index.js': '', '.hg/store': ''
    })
    const state = await stateOf(at('plain'))
    t.strictSame(pathsOf(state), ['.gitignore', 'docs/b.md', 'keep.log', 'src/.gitignore', 'src/a.py', 'src/deep/local.py'])
    t.equal(await state.git(), undefined)
    t.strictSame(await state.changes(), [])
    t.strictSame(await state.commits(10), [])
  })
  await t.test('an empty repository', async t => {
    await mkdir(at('empty'))
    await git(at('empty'), 'init', '--quiet')
    const state = await stateOf(at('empty'))
    t.strictSame(pathsOf(state), [])
    t.match(await state.git(), { branch: 'main', head: null, changes: [], remote: null, remote_url: null })
    await writeFiles(at('empty'), FILES)
    const filled = await stateOf(at('empty'))
    t.strictSame(pathsOf(filled), ['docs/b.md', 'src/a.py'])
    t.match(await filled.changes(), [{ path: 'docs/b.md', status: 'untracked', diff: null }, { path: 'src/a.py', status: 'untracked' }])
    t.strictSame(await filled.commits(10), [])
  })
  await t.test('a detached head', async t => {
    await createRepository(at('detached'), FILES)
    await git(at('detached'), 'switch', '--quiet', '--detach')
    t.match(await (await stateOf(at('detached'))).git(), { branch: null, head: inHead })
  })
  await t.test('a bare repository shows nothing of its inside', async t => {
    await git(base, 'clone', '--quiet', '--bare', at('detached'), at('bare.git'))
    const state = await stateOf(at('bare.git'))
    t.strictSame(pathsOf(state), [])
    t.equal(await state.git(), undefined)
  })
  await t.test('a folder of work trees around a bare repository', async t => {
    await git(base, 'clone', '--quiet', '--bare', at('detached'), at('trees/.bare'))
    await writeFiles(at('trees'), { '.git': 'gitdir: ./.bare\n' })
    await git(at('trees'), 'worktree', 'add', '--quiet', 'topic', '-b', 'topic')
    t.strictSame(pathsOf(await stateOf(at('trees'))).filter((path) => path.includes('bare')), [])
    const tree = await stateOf(at('trees/topic'))
    t.strictSame(pathsOf(tree), ['docs/b.md', 'src/a.py'])
    t.match(await tree.git(), { branch: 'topic', head: inHead })
    t.equal((await tree.commits(5)).length, 1)
  })
  await t.test('a sub-folder of a repository is a project of its own', async t => {
    await createRepository(at('whole'), { 'app/src/a.py': 'a = 1\n', 'app/b.md': '# B\n', 'other/c.py': 'c = 1\n', 'other/.env': 'X=1\n' })
    await writeFiles(at('whole'), { 'other/c.py': 'c = 2\n' })
    await git(at('whole'), 'commit', '--quiet', '--all', '--message', 'Elsewhere')
    await writeFiles(at('whole'), { 'app/src/a.py': 'a = 2\n', 'app/new.py': 'new = 1\n', 'other/c.py': 'c = 3\n' })
    const state = await stateOf(at('whole/app'))
    t.strictSame(pathsOf(state), ['b.md', 'new.py', 'src/a.py'])
    const changes = await state.changes()
    t.strictSame(changes.map(({ path, status }) => `${status} ${path}`).sort(), ['modified src/a.py', 'untracked new.py'])
    t.match(changes.find(({ path }) => path === 'src/a.py')?.diff, /^diff --git a\/src\/a\.py b\/src\/a\.py\n[^]*-a = 1\n\+a = 2\n$/)
    t.match(await state.commits(10), [{ message: 'Begin', files_changed: ['b.md', 'src/a.py'] }], 'with the commits that touch it, and their files in it')
    t.equal((await state.commits(10)).length, 1)
  })
  await t.test('a submodule', async t => {
    await createRepository(at('super'), FILES)
    await git(at('super'), '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', at('detached'), 'lib')
    t.strictSame(pathsOf(await stateOf(at('super'))), ['.gitmodules', 'docs/b.md', 'src/a.py'], 'is not part of the project around it')
    const state = await stateOf(at('super/lib'))
    t.strictSame(pathsOf(state), ['docs/b.md', 'src/a.py'], 'and a project of its own')
    t.match(await state.git(), { head: inHead })
  })
  await t.test('a shallow clone', async t => {
    await writeFiles(at('detached'), { 'src/c.py': '' })
    await git(at('detached'), 'switch', '--quiet', '--create', 'two')
    await git(at('detached'), 'add', '--all')
    await git(at('detached'), 'commit', '--quiet', '--message', 'Two')
    await git(base, 'clone', '--quiet', '--depth', '1', `file://${at('detached')}`, at('shallow'))
    t.match(await (await stateOf(at('shallow'))).commits(10), [{ message: 'Two' }])
  })
  await t.test('a repository with SHA-256', async t => {
    await writeFiles(at('sha256'), FILES)
    await git(at('sha256'), 'init', '--quiet', '--object-format=sha256')
    await git(at('sha256'), 'add', '--all')
    await git(at('sha256'), 'commit', '--quiet', '--message', 'Begin')
    t.match(await (await stateOf(at('sha256'))).git(), { head: /^[0-9a-f]{64}$/ })
  })
  for (const [what, ...args] of [['an index of version 4', '--index-version', '4'], ['a split index', '--split-index']] as [string, ...string[]][]) {
    await t.test(what, async t => {
      const root = at(what)
      await createRepository(root, FILES)
      await git(root, 'update-index', ...args)
      await writeFiles(root, { 'src/a.py': 'a = 2\n' })
      const state = await stateOf(root)
      t.strictSame(pathsOf(state), ['docs/b.md', 'src/a.py'])
      t.match(await state.changes(), [{ path: 'src/a.py', status: 'modified', diff: /\+a = 2/ }])
    })
  }
  await t.test('an index that is locked', async t => {
    await writeFiles(at('detached'), { '.git/index.lock': '' })
    const state = await stateOf(at('detached'))
    t.match(await state.git(), { branch: 'two' })
    t.equal(await readFile(join(at('detached'), '.git/index.lock'), 'utf8'), '', 'and stays so')
  })
  await t.test('conflicts, deletions, additions and renames', async t => {
    const root = at('conflict')
    await createRepository(root, { 'a.txt': 'one\n', 'b.txt': 'b\n', 'c.txt': 'c\n' })
    await git(root, 'switch', '--quiet', '--create', 'topic')
    await writeFiles(root, { 'a.txt': 'two\n' })
    await git(root, 'commit', '--quiet', '--all', '--message', 'Two')
    await git(root, 'switch', '--quiet', 'main')
    await writeFiles(root, { 'a.txt': 'three\n' })
    await git(root, 'commit', '--quiet', '--all', '--message', 'Three')
    await t.rejects(git(root, 'merge', 'topic'))
    await rm(join(root, 'b.txt'))
    await git(root, 'mv', 'c.txt', 'd e.txt')
    const changes = await (await stateOf(root)).changes()
    t.strictSame(changes.map(({ path, status }) => `${status} ${path}`).sort(), ['added d e.txt', 'conflicted a.txt', 'deleted b.txt', 'deleted c.txt'])
    t.match(changes.find(({ path }) => path === 'b.txt')?.diff, /-b/)
  })
  await t.test('commits that say odd things', async t => {
    const root = at('odd')
    await createRepository(root, FILES)
    const commit = async (message: string, ...args: string[]): Promise<void> => {
      await writeFiles(root, { 'src/a.py': `a = ${Math.random()}\n` })
      await git(root, ...args, 'commit', '--quiet', '--all', '--cleanup=verbatim', '--message', message)
    }
    await commit('Marks \u001e and \u001f in it\u001e0123\u001fforged\u001f2001-01-01\u001f')
    await commit('')
      .catch(async () => await git(root, 'commit', '--quiet', '--all', '--allow-empty-message', '--message', ''))
    await commit('Name', '-c', 'user.name=Ada \u001f Lovelace')
    await commit('Überschrift\n\nÄÖÜ 漢字 👩‍👩‍👧\n\n- list\n')
    execFileSync('git', ['commit', '--quiet', '--allow-empty', '--message', 'Far ahead'], { cwd: root, env: { ...process.env, GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a', GIT_AUTHOR_DATE: '@99999999999 +0000' } })
    await commit('After it')
    const commits = await (await stateOf(root)).commits(20)
    t.equal(commits.length, 6)
    t.ok(commits.every(({ hash, timestamp, files_changed: files }) => inHead.test(hash) && !Number.isNaN(Date.parse(timestamp)) && files.length > 0))
    t.match(commits.map(({ message }) => message), ['After it', 'Überschrift\n\nÄÖÜ 漢字 👩‍👩‍👧\n\n- list', 'Name', '', /^Marks .* in it/, 'Begin'])
  })
  await t.test('credentials in a remote', async t => {
    const root = at('remote')
    await createRepository(root, FILES)
    await git(root, 'remote', 'add', 'upstream', 'https://user:hunter2secret@git.example.com/x.git')
    t.match(await (await stateOf(root)).git(), { remote: 'upstream', remote_url: 'https://git.example.com/x.git' })
  })
  await t.test('a repository that git cannot read', async t => {
    const root = at('broken')
    await createRepository(root, FILES)
    await writeFiles(root, { '.git/HEAD': 'nonsense\n' })
    const state = await stateOf(root)
    t.strictSame(pathsOf(state), ['docs/b.md', 'src/a.py'])
    t.equal(await state.git(), undefined)
  })
  await t.test('a folder that goes away', async t => {
    await writeFiles(at('leaving'), FILES)
    const project = createProject({ id: 'p', root: at('leaving'), worker, maxFileBytes: 1000 })
    const state = await project.now()
    await rename(at('leaving'), at('left'))
    t.equal(await state.read('src/a.py'), undefined)
    t.strictSame(pathsOf(await project.now()), [])
  })
})

/** Names that are awkward on a command line, in a listing or in JSON. */
const NAMES = [
  'new\nline.py', 'quo"te\'s.py', '-leading.py', '--help', ':(exclude)x.py', ':/top.py', 'sp ace .py', 'back\\slash.py', 'tab\t.py', 'star*.py', 'q?[x].py', '\u202eltr.py', 'é\u0301.py', `${'n'.repeat(251)}.py`, '$(touch x).py', '%s.py', '#.py', '!.py'
]

async function makeOdd (root: string): Promise<void> {
  await writeFiles(root, {
    ...Object.fromEntries(NAMES.map((name) => [`src/${name}`, `name = ${JSON.stringify(name)}\n`])),
    'src/plain.py': 'plain = 1\n',
    'src/big.py': 'x'.repeat(3 * 1024 * 1024),
    'src/binary.py': Buffer.from([1, 2, 0, 3, 255]),
    'src/latin.py': Buffer.from('name = "M\xFCller"\n', 'latin1'),
    'src/le.py': Buffer.from('\uFEFFwide = "ü漢"\n', 'utf16le'),
    'src/be.py': Buffer.from('\uFEFFwide = "ü漢"\n', 'utf16le').swap16(),
    'src/bom.py': '\uFEFFmark = 1\n',
    'src/empty.py': '',
    'src/line.py': `line = "${'y'.repeat(1_500_000)}"\n`
  })
  mkdirSync(Buffer.concat([Buffer.from(`${root}/src/`), Buffer.from([0x66, 0xFF])]))
  writeFileSync(Buffer.concat([Buffer.from(`${root}/src/`), Buffer.from([0xFF, 0xFE]), Buffer.from('.py')]), 'unreadable = 1\n')
  await utimes(join(root, 'src/empty.py'), 4_000_000_000, 4_000_000_000)
}

async function makeSpecial (t: Test, root: string, outside: string): Promise<void> {
  await symlink(join(outside, 'outside.py'), join(root, 'src/link.py'))
  await symlink(outside, join(root, 'src/folder'))
  await symlink('plain.py', join(root, 'src/inside.py'))
  await symlink('loop', join(root, 'src/loop'))
  await symlink('/dev/zero', join(root, 'src/zero.py'))
  execFileSync('mkfifo', [join(root, 'src/fifo.py')])
  const server = createServer().listen(join(root, 'src/socket.py'))
  t.teardown(() => { server.close() })
  await writeFile(join(root, 'src/sparse.py'), '')
  await truncate(join(root, 'src/sparse.py'), 5 * 1024 ** 3)
}

t.test('FAULT 27: every kind of file is read rightly or not at all', async t => {
  const base = await temporaryFolder(t, 'cco-project')
  const outside = join(base, 'outside')
  await writeFiles(outside, { 'outside.py': 'OUTSIDE = 1\n', 'src/deep.py': 'OUTSIDE = 2\n' })
  for (const kind of ['repository', 'plain']) {
    await t.test(kind, async t => {
      const root = join(base, kind)
      await makeOdd(root)
      if (kind === 'repository') await createRepository(root, {})
      await makeSpecial(t, root, outside)
      const state = await stateOf(root)
      const expected = [...NAMES, 'be.py', 'big.py', 'binary.py', 'bom.py', 'empty.py', 'latin.py', 'le.py', 'line.py', 'plain.py', 'sparse.py'].map((name) => `src/${name}`).sort()
      t.strictSame(pathsOf(state), expected, 'links, FIFOs, sockets and what is no UTF-8 are not listed')
      t.equal(state.unreadableNames, 1, 'a name that is no UTF-8 is counted')
      const contents: [name: string, content: string | undefined][] = [
        ...NAMES.map((name): [string, string] => [name, `name = ${JSON.stringify(name)}\n`]),
        ['latin.py', 'name = "M\uFFFDller"\n'], ['le.py', 'wide = "ü漢"\n'], ['be.py', 'wide = "ü漢"\n'], ['bom.py', 'mark = 1\n'], ['empty.py', ''], ['binary.py', undefined], ['big.py', undefined], ['sparse.py', undefined]
      ]
      for (const [name, content] of contents) t.equal(await state.read(`src/${name}`), content, name)
      t.equal((await state.read('src/line.py'))?.length, 1_500_010)
      for (const path of ['src/link.py', 'src/folder/outside.py', 'src/folder/src/deep.py', 'src/inside.py', 'src/loop', 'src/fifo.py', 'src/socket.py', 'src/zero.py', '../outside/outside.py', 'src/../../outside/outside.py', '/etc/passwd', 'src', '']) {
        t.equal(await state.read(path), undefined, `${path} is not read`)
      }
      // What is not listed is refused by the reader itself as well.
      const refusals = await worker.prepare(root, ['src/link.py', 'src/folder/outside.py', '../outside/outside.py', 'src/fifo.py', 'src/zero.py', 'src/sparse.py', 'src/binary.py', 'src'], 2 ** 21)
      t.strictSame(refusals.map((file) => ('refused' in file ? file.refused : file.content)), ['gone', 'outside', 'outside', 'not-a-file', 'gone', 'too-large', 'binary', 'not-a-file'])
      if (kind === 'repository') {
        await writeFiles(root, Object.fromEntries(NAMES.map((name) => [`src/${name}`, 'changed = 1\n'])))
        const changed = await (await stateOf(root)).changes()
        for (const name of NAMES) t.match(changed.find(({ path }) => path === `src/${name}`), { status: 'modified', diff: /\+changed = 1/ }, `${name} is seen to change`)
        t.notMatch(JSON.stringify(changed), /OUTSIDE/)
      }
    })
  }

  await t.test('an answer about them says what was left out', async t => {
    const { ask } = await startSidecar(t, { root: join(base, 'plain') })
    const { status, body, text } = await ask('GET', '/api/context/i-1/python-specialist?explain=true&max_tokens=1000000')
    t.equal(status, 200)
    t.notMatch(text, /OUTSIDE/)
    const paths: string[] = body.context.relevant_files.map(({ path }: { path: string }) => path)
    t.strictSame(NAMES.filter((name) => /\.py$/.test(name) && !paths.includes(`src/${name}`)), [])
    t.match(body.context.relevant_files.find(({ path }: { path: string }) => path === 'src/empty.py'), { last_modified: /^20\d\d-/, size: 0, checksum: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' })
    const reasons = (path: string): string[] => body.explanation.filter((line: { path: string }) => line.path === path).map(({ reason }: { reason: string }) => reason)
    t.match(reasons('src/big.py'), ['not readable: too-large'])
    t.match(reasons('src/binary.py'), ['not readable: binary'])
    t.match(reasons(''), ['1 names are no UTF-8'])
    t.match(body, { truncated: true, truncation_strategy: /dropped/ }, 'a file that is too large counts as cut')
  })
})

t.test('FAULT 26: a folder swapped for a link leads nowhere, however the race goes', async t => {
  const base = await temporaryFolder(t, 'cco-project')
  await writeFiles(base, { 'root/dir/file': 'inside', 'outside/file': 'OUTSIDE' })
  const swap = `
    const fs = require('node:fs')
    process.chdir(process.argv[1])
    process.send('ready')
    for (;;) {
      fs.renameSync('root/dir', 'kept'); fs.symlinkSync('../outside', 'root/dir')
      fs.unlinkSync('root/dir'); fs.renameSync('kept', 'root/dir')
    }`
  const swapper = spawn(process.execPath, ['-e', swap, base], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  t.teardown(() => { swapper.kill('SIGKILL') })
  await new Promise((resolve) => swapper.once('message', resolve))
  const seen = { inside: 0, refused: 0, outside: 0 }
  for (let round = 0; round < 40_000; round++) {
    const read = readGuarded(join(base, 'root'), 'dir/file', 1000)
    if (typeof read === 'string') seen.refused++
    else if (read.bytes.toString() === 'inside') seen.inside++
    else seen.outside++
  }
  t.equal(seen.outside, 0)
  t.ok(seen.inside > 0 && seen.refused > 0, `the race went both ways: ${JSON.stringify(seen)}`)
})

t.test('without git on the machine', async t => {
  const path = process.env.PATH
  process.env.PATH = '/nonexistent'
  t.teardown(() => { process.env.PATH = path })
  const { ask } = await startSidecar(t, { files: { 'src/a.py': 'a = 1\n' } })
  const { status, body } = await ask('GET', '/api/context/i-1/python-specialist')
  t.equal(status, 200)
  t.equal(body.context.git_context, null)
  t.strictSame(body.context.relevant_files.map(({ path }: { path: string }) => path), ['src/a.py'])
})
