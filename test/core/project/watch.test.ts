import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createProject, type Project } from '../../../core/project/project.js'
import type { StartWatch } from '../../../core/project/watch.js'
import { createProjectWorker, type ProjectWorker } from '../../../core/project/worker/client.js'
import type { ListRequest } from '../../../core/project/worker/listings.js'
import { eventually, silentLog } from '../../../core/testing/index.js'
import { createRepository, git, writeFiles } from '../../support/repository.js'
import { temporaryFolder } from '../../support/temporary.js'

interface Watched {
  root: string
  project: Project
  /** Requests that reached the worker since the last look here. */
  asked (): ListRequest[]
  warnings: string[]
}

const FILES = { 'a.txt': 'a\n', 'src/b.txt': 'b\n', 'src/deep/c.txt': 'c\n' }

/** A project whose watch is complete, where there is one. */
async function start (t: Test, settings: { start?: StartWatch, maxEvents?: number, checkMs?: number } | false = {}, files: Record<string, string> = FILES): Promise<Watched> {
  const root = join(await temporaryFolder(t, 'cco-watch'), 'root')
  await createRepository(root, files)
  // What was just written is looked at twice.
  await wait(20)
  const real = createProjectWorker()
  const requests: ListRequest[] = []
  const worker: ProjectWorker = { ...real, list: async (root, request) => { requests.push(request); return await real.list(root, request) } }
  const warnings: string[] = []
  const log = { ...silentLog, warn: (details: object) => { warnings.push((details as { reason: string }).reason) } }
  const project = createProject({ id: 'p', root, worker, maxFileBytes: 1000, log, watch: settings })
  t.teardown(async () => await real.close())
  await project.now()
  await wait(80)
  requests.length = 0
  return { root, project, asked: () => requests.splice(0), warnings }
}

const pathsOf = async (project: Project): Promise<string[]> => (await project.now()).files.map(({ path }) => path)

t.test('where nothing happened, nobody is asked', async t => {
  const { root, project, asked } = await start(t)
  const state = await project.now()
  for (let round = 0; round < 20; round++) t.equal(await project.now(), state)
  t.strictSame(asked(), [])
  await t.test('and the business of git and ignored files are nothing', async t => {
    await writeFiles(root, { '.git/COMMIT_EDITMSG': 'x', '.git/objects/note': 'x', '.git/index.lock': '' })
    rmSync(join(root, '.git/index.lock'))
    t.equal(await project.now(), state)
    t.strictSame(asked(), [])
  })
})

t.test('one file costs a look at that file', async t => {
  const { root, project, asked } = await start(t)
  const before = await project.now()
  writeFileSync(join(root, 'src/b.txt'), 'changed\n')
  const after = await project.now()
  t.not(after.fingerprint, before.fingerprint)
  t.equal(await after.read('src/b.txt'), 'changed\n')
  const requests = asked()
  t.match(requests, [{ dirty: { folders: [['src', ['b.txt']]], git: false }, isTrusted: true }])
  t.equal(requests.length, 1)
})

t.test('a write in the tick of another is seen without a wait', async t => {
  const { root, project } = await start(t)
  for (let round = 0; round < 200; round++) {
    const text = `${String(round).padStart(4, '0')}\n`
    writeFileSync(join(root, 'a.txt'), text)
    t.equal(await (await project.now()).read('a.txt'), text)
  }
})

t.test('FAULT 34: same size and same time, and back', async t => {
  const { root, project } = await start(t)
  for (const text of ['1\n', '2\n', '3\n']) {
    writeFileSync(join(root, 'a.txt'), text)
    utimesSync(join(root, 'a.txt'), 1e9, 1e9)
    t.equal(await (await project.now()).read('a.txt'), text)
  }
})

t.test('a status of git that renews the index is no change', async t => {
  const { root, project } = await start(t)
  utimesSync(join(root, 'a.txt'), 1e9, 1e9)
  const before = await project.now()
  const index = readFileSync(join(root, '.git/index'))
  await git(root, 'status')
  t.notOk(readFileSync(join(root, '.git/index')).equals(index), 'the index was written')
  t.equal(await project.now(), before)
})

t.test('FAULT 34: a branch of the same sizes and times', async t => {
  const { root, project } = await start(t)
  await git(root, 'switch', '--quiet', '--create', 'topic')
  writeFileSync(join(root, 'a.txt'), 'A\n')
  await git(root, 'commit', '--quiet', '--all', '--message', 'Topic')
  for (const [branch, content] of [['main', 'a\n'], ['topic', 'A\n'], ['main', 'a\n']] as const) {
    await git(root, 'switch', '--quiet', branch)
    utimesSync(join(root, 'a.txt'), 1e9, 1e9)
    const state = await project.now()
    t.equal(await state.read('a.txt'), content)
    t.equal((await state.git())?.branch, branch)
  }
})

t.test('new folders are watched', async t => {
  const { root, project, asked } = await start(t)
  mkdirSync(join(root, 'one/two/three'), { recursive: true })
  await project.now()
  writeFileSync(join(root, 'one/two/three/x.txt'), 'x')
  t.ok((await pathsOf(project)).includes('one/two/three/x.txt'))
  renameSync(join(root, 'one/two'), join(root, 'moved'))
  writeFileSync(join(root, 'moved/three/y.txt'), 'y')
  t.ok((await pathsOf(project)).includes('moved/three/y.txt'))
  await project.now()
  await project.now()
  asked()
  await project.now()
  t.strictSame(asked(), [], 'and it is quiet again')
})

t.test('FAULT 35: when there are no more watches, everything is looked at', async t => {
  let left = 2
  const { root, project, asked, warnings } = await start(t, {
    start: (path, options, onEvent) => {
      if (left-- <= 0) throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' })
      return watch(path, options, onEvent)
    }
  })
  t.match(warnings, [/ENOSPC/])
  for (let round = 0; round < 3; round++) {
    writeFileSync(join(root, 'src/deep/c.txt'), String(round))
    t.equal(await (await project.now()).read('src/deep/c.txt'), String(round))
    t.match(asked(), [{ isTrusted: false, dirty: undefined }])
  }
})

t.test('FAULT 35: when events may have been lost, everything is looked at once', async t => {
  const { root, project, asked } = await start(t, { maxEvents: 20 })
  // The system puts equal events that follow one another together.
  for (let round = 0; round < 30; round++) for (const path of ['a.txt', 'src/b.txt']) writeFileSync(join(root, path), String(round))
  t.equal(await (await project.now()).read('a.txt'), '29')
  t.match(asked(), [{ isTrusted: false, dirty: undefined }])
  writeFileSync(join(root, 'a.txt'), 'again')
  t.equal(await (await project.now()).read('a.txt'), 'again')
  t.match(asked(), [{ isTrusted: true, dirty: { folders: [['', ['a.txt']]] } }])
})

t.test('a watch that keeps something back is found out', async t => {
  // Stands for what the system does not tell: writes to mapped memory, and by a hard link that was made later.
  const { root, project, warnings, asked } = await start(t, { start: (path, options, onEvent) => watch(path, options, (event, name) => { if (name !== 'b.txt') onEvent(event, name) }), checkMs: 50 })
  writeFileSync(join(root, 'src/b.txt'), 'unseen\n')
  await eventually(async () => {
    await project.now()
    return warnings.length > 0
  }, 'the check in the background warns')
  t.match(warnings, [/src\/b\.txt changed and the system did not tell/])
  t.equal(await (await project.now()).read('src/b.txt'), 'unseen\n')
  asked()
  writeFileSync(join(root, 'src/b.txt'), 'seen now\n')
  t.equal(await (await project.now()).read('src/b.txt'), 'seen now\n')
  t.match(asked(), [{ isTrusted: false, dirty: undefined }])
})

t.test('a check in the background that finds what was told is no reason for distrust', async t => {
  const { root, project, warnings } = await start(t, { checkMs: 5 })
  const deadline = performance.now() + 1500
  for (let round = 0; performance.now() < deadline; round++) {
    writeFileSync(join(root, 'src/b.txt'), String(round))
    if (round % 5 === 0) await git(root, 'add', '--all')
    t.equal(await (await project.now()).read('src/b.txt'), String(round))
    await wait(round % 7)
  }
  t.strictSame(warnings, [])
})

t.test('a file with another name elsewhere', async t => {
  const { root, project } = await start(t)
  linkSync(join(root, 'a.txt'), join(root, '../outside.txt'))
  utimesSync(join(root, 'a.txt'), 1e9, 1e9)
  await project.now()
  for (let round = 0; round < 3; round++) {
    writeFileSync(join(root, '../outside.txt'), String(round))
    t.equal(await (await project.now()).read('a.txt'), String(round))
  }
  await writeFiles(root, { '.git/info/exclude': '/a.txt\n' })
  t.ok((await pathsOf(project)).includes('a.txt'))
  await git(root, 'rm', '--quiet', '--force', '--cached', 'a.txt')
  t.notOk((await pathsOf(project)).includes('a.txt'), 'goes with the rest when the index gives it up')
})

t.test('a folder above that is renamed, and another in its place', async t => {
  const { root, project } = await start(t)
  const above = join(root, '..')
  const other = `${above}-other`
  t.teardown(() => rmSync(other, { recursive: true, force: true }))
  renameSync(above, other)
  t.strictSame(await pathsOf(project), [])
  await writeFiles(root, { 'new.txt': 'new\n' })
  t.strictSame(await pathsOf(project), ['new.txt'])
  writeFileSync(join(root, 'newer.txt'), 'newer\n')
  t.strictSame(await pathsOf(project), ['new.txt', 'newer.txt'])
  rmSync(above, { recursive: true })
  renameSync(other, above)
  t.strictSame(await pathsOf(project), Object.keys(FILES))
})

t.test('a repository that comes to be around a folder, and ignore files above it', async t => {
  const base = await temporaryFolder(t, 'cco-watch')
  const root = join(base, 'app')
  await writeFiles(base, { 'app/a.txt': '', 'app/b.log': '' })
  const worker = createProjectWorker()
  t.teardown(async () => await worker.close())
  const project = createProject({ id: 'p', root, worker, maxFileBytes: 1000 })
  t.equal(await (await project.now()).git(), undefined)
  await wait(80)
  await git(base, 'init', '--quiet')
  t.match(await (await project.now()).git(), { branch: 'main' })
  await project.now()
  writeFileSync(join(base, '.gitignore'), '*.log\n')
  t.strictSame(await pathsOf(project), ['a.txt'])
  writeFileSync(join(base, '.git/info/exclude'), 'a.txt\n')
  t.strictSame(await pathsOf(project), [])
})

t.test('attributes above a folder of a repository say what its diffs look like', async t => {
  const base = await temporaryFolder(t, 'cco-watch')
  const root = join(base, 'app')
  await createRepository(base, { 'app/a.txt': 'a\n', 'b.txt': 'b\n' })
  writeFileSync(join(root, 'a.txt'), 'other\n')
  const worker = createProjectWorker()
  t.teardown(async () => await worker.close())
  const project = createProject({ id: 'p', root, worker, maxFileBytes: 1000 })
  const diff = async (): Promise<string | null | undefined> => (await (await project.now()).changes()).find(({ path }) => path === 'a.txt')?.diff
  t.match(await diff(), '-a\n+other\n')
  writeFileSync(join(base, '.gitattributes'), '*.txt -diff\n')
  t.match(await diff(), 'Binary files')
  rmSync(join(base, '.gitattributes'))
  t.match(await diff(), '-a\n+other\n')
})

t.test('watches keep nobody from ending', async t => {
  const root = await temporaryFolder(t, 'cco-watch')
  await createRepository(root, FILES)
  const here = new URL('../../../core/project/', import.meta.url)
  const script = `
    const { createProject } = await import(${JSON.stringify(new URL('project.js', here))})
    const { createProjectWorker } = await import(${JSON.stringify(new URL('worker/client.js', here))})
    const state = await createProject({ id: 'p', root: ${JSON.stringify(root)}, worker: createProjectWorker(), maxFileBytes: 1000 }).now()
    console.log(state.files.length, (await state.git()).branch)`
  await writeFiles(root, { '.git/script.mjs': script })
  const output = execFileSync(process.execPath, [join(root, '.git/script.mjs')], { timeout: 20_000, env: { PATH: process.env.PATH } })
  t.equal(output.toString(), '3 main\n')
})

t.test('git is run by one process, which ends with the worker', { skip: existsSync('/proc/self/task') ? false : 'without /proc' }, async t => {
  const children = (): number[] => execFileSync('sh', ['-c', `cat /proc/${process.pid}/task/*/children`]).toString().trim().split(/\s+/).filter((pid) => pid !== '').map(Number)
  const commandOf = (pid: number): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return ''
    }
  }
  const helpers = (): number[] => children().filter((pid) => commandOf(pid).includes('git-helper'))
  const root = await temporaryFolder(t, 'cco-watch')
  await createRepository(root, FILES)
  const worker = createProjectWorker()
  const project = createProject({ id: 'p', root, worker, maxFileBytes: 1000 })
  await project.now()
  t.strictSame(helpers(), [], 'none to list files')
  await (await project.now()).git()
  const [first, ...more] = helpers()
  t.strictSame(more, [])
  process.kill(first!, 'SIGKILL')
  writeFileSync(join(root, 'a.txt'), 'changed\n')
  t.match(await (await project.now()).changes(), [{ path: 'a.txt', diff: /\+changed/ }], 'it is started again after a crash')
  t.equal(helpers().length, 1)
  await worker.close()
  t.strictSame(helpers(), [])
})
