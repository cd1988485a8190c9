import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { createProject } from '../../../core/project/project.js'
import { createProjectWorker } from '../../../core/project/worker/client.js'
import { createRepository, git, writeFiles } from '../../support/repository.js'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'

const run = promisify(execFile)
const worker = createProjectWorker()
t.teardown(async () => await worker.close())

/** A repository with changed files, and a command that leaves a trace when anybody runs it. */
async function makeTrap (t: Test): Promise<{ root: string, canary: string, sprung (): Promise<string[]>, disarm (): Promise<void> }> {
  const base = await temporaryFolder(t, 'cco-trap')
  const [root, traces, canary] = [join(base, 'root'), join(base, 'traces'), join(base, 'canary')]
  await mkdir(traces)
  await writeFile(canary, `#!/bin/sh\necho "$0 $*" > "${traces}/$$"\n`)
  await chmod(canary, 0o755)
  await createRepository(root, { 'a.txt': 'one\n', 'b.txt': 'two\n', 'c.bin': 'three\n' })
  await writeFiles(root, { 'a.txt': 'changed\n', 'c.bin': 'changed too\n' })
  return {
    root,
    canary,
    sprung: async () => await readdir(traces),
    async disarm () {
      await rm(traces, { recursive: true })
      await mkdir(traces)
    }
  }
}

/** Everything that the sidecar ever asks of a repository. */
async function look (root: string): Promise<string> {
  const state = await createProject({ id: 'p', root, worker, maxFileBytes: 1_000_000 }).now()
  const facts = await state.git()
  return JSON.stringify([state.files, facts, await state.changes(), await state.commits(50), await Promise.all(state.files.map(async ({ path }) => await state.read(path)))])
}

interface Trap {
  config?: (canary: string) => [key: string, value: string][]
  files?: (canary: string) => Record<string, string>
  more?: (root: string, canary: string) => Promise<void>
  /** Commands of git that spring the trap, to prove that it is one; none where git of this version refuses by itself. */
  springs?: string[][]
}

const ATTRIBUTES = { '.gitattributes': '* filter=evil diff=evil merge=evil\n' }
const script = (canary: string): string => `#!/bin/sh\nexec ${canary} "$0"\n`
const HOOKS = ['post-index-change', 'fsmonitor-watchman', 'pre-commit', 'post-checkout', 'reference-transaction', 'query-watchman', 'pre-auto-gc']

const TRAPS: Record<string, Trap> = {
  'core.fsmonitor': { config: (canary) => [['core.fsmonitor', canary]], springs: [['status']] },
  'a clean filter': { config: (canary) => [['filter.evil.clean', canary]], files: () => ATTRIBUTES, springs: [['diff']] },
  'a required clean filter': { config: (canary) => [['filter.evil.clean', canary], ['filter.evil.required', 'true']], files: () => ATTRIBUTES, springs: [['diff']] },
  'a smudge filter': { config: (canary) => [['filter.evil.smudge', canary]], files: () => ATTRIBUTES, springs: [['checkout', 'HEAD', '--', 'b.txt', 'a.txt']] },
  'a filter process': { config: (canary) => [['filter.evil.process', canary]], files: () => ATTRIBUTES, springs: [['diff']] },
  'a filter with a dotted name in capitals': { config: (canary) => [['filter.E.vil x.clean', canary]], files: () => ({ '.gitattributes': '*.txt filter=E.vil\n' }) },
  'a filter of the work tree': {
    config: () => [['extensions.worktreeConfig', 'true']], files: () => ATTRIBUTES, more: async (root, canary) => { await git(root, 'config', '--worktree', 'filter.evil.clean', canary) }, springs: [['diff']]
  },
  'a filter of an included file': {
    config: () => [['include.path', '../evil.config']], files: (canary) => ({ ...ATTRIBUTES, 'evil.config': `[filter "evil"]\n\tclean = ${canary}\n` }), springs: [['diff']]
  },
  'a filter of a file that is included on this branch': {
    config: () => [['includeIf.onbranch:main.path', '../evil.config']], files: (canary) => ({ ...ATTRIBUTES, 'evil.config': `[filter "evil"]\n\tclean = ${canary}\n` }), springs: [['diff']]
  },
  'attributes that only git sees': { config: (canary) => [['filter.evil.clean', canary]], files: () => ({ '.git/info/attributes': '* filter=evil diff=evil\n' }), springs: [['diff']] },
  'attributes of the configuration': { config: (canary) => [['filter.evil.clean', canary], ['core.attributesFile', '.git/evil-attributes']], files: () => ({ '.git/evil-attributes': '* filter=evil\n' }) },
  'diff.external': { config: (canary) => [['diff.external', canary]], springs: [['diff']] },
  'a diff command': { config: (canary) => [['diff.evil.command', canary]], files: () => ATTRIBUTES, springs: [['diff']] },
  'a text conversion': { config: (canary) => [['diff.evil.textconv', canary], ['diff.evil.cachetextconv', 'true'], ['diff.evil.binary', 'true']], files: () => ATTRIBUTES, springs: [['diff'], ['log', '-p']] },
  hooks: { files: (canary) => Object.fromEntries(HOOKS.map((hook) => [`.git/hooks/${hook}`, script(canary)])), springs: [['commit', '--all', '--quiet', '--message', 'x']] },
  'core.hooksPath': { config: () => [['core.hooksPath', '.git/evil-hooks']], files: (canary) => Object.fromEntries(HOOKS.map((hook) => [`.git/evil-hooks/${hook}`, script(canary)])), springs: [['commit', '--all', '--quiet', '--message', 'x']] },
  'aliases of the commands that are used': { config: (canary) => ['status', 'ls-files', 'log', 'diff', 'rev-parse', 'config', 'remote'].map((name) => [`alias.${name}`, `!${canary}`]) },
  pagers: { config: (canary) => [['core.pager', canary], ...['status', 'log', 'diff', 'remote', 'config'].map((name): [string, string] => [`pager.${name}`, canary])] },
  signatures: { config: (canary) => [['log.showSignature', 'true'], ['gpg.program', canary], ['gpg.ssh.program', canary], ['gpg.format', 'ssh'], ['gpg.ssh.allowedSignersFile', 'x']] },
  'transports and askers': {
    config: (canary) => [['core.sshCommand', canary], ['core.gitProxy', canary], ['core.askPass', canary], ['credential.helper', `!${canary}`], ['core.editor', canary], ['core.alternateRefsCommand', canary], ['uploadpack.packObjectsHook', canary], ['remote.origin.url', `ext::${canary}`], ['remote.origin.vcs', 'ext'], ['protocol.ext.allow', 'always']],
    springs: [['fetch', 'origin']]
  },
  'a missing object of a partial clone': {
    config: (canary) => [['core.repositoryFormatVersion', '1'], ['extensions.partialClone', 'origin'], ['remote.origin.promisor', 'true'], ['remote.origin.url', `ext::${canary} %S`], ['protocol.allow', 'always'], ['protocol.ext.allow', 'always']],
    more: async (root) => {
      const hash = (await git(root, 'rev-parse', 'HEAD:a.txt')).trim()
      await rm(join(root, '.git/objects', hash.slice(0, 2), hash.slice(2)))
    },
    springs: [['diff', 'HEAD', '--', 'a.txt']]
  }
}

for (const [what, { config, files, more, springs = [] }] of Object.entries(TRAPS)) {
  t.test(`FAULT 32: ${what} run nothing`, async t => {
    const { root, canary, sprung, disarm } = await makeTrap(t)
    await writeFiles(root, files?.(canary) ?? {})
    for (const path of Object.keys(files?.(canary) ?? {})) if (path.startsWith('.git/')) await chmod(join(root, path), 0o755)
    for (const [key, value] of config?.(canary) ?? []) await git(root, 'config', key, value)
    await more?.(root, canary)
    await disarm()
    const seen = await look(root)
    t.strictSame(await sprung(), [])
    t.match(seen, /"path":"b\.txt"/, 'and the repository is answered')
    for (const command of springs) {
      await git(root, ...command).catch(() => '')
      t.not((await sprung()).length, 0, `git ${command.join(' ')} would have run it`)
      await disarm()
    }
  })
}

t.test('a filter that cannot be named in the environment stops git, not the sidecar', async t => {
  const { root, canary, sprung } = await makeTrap(t)
  await writeFiles(root, { '.gitattributes': Buffer.from('*.txt filter=ev\xEFil\n', 'latin1') })
  await writeFile(join(root, '.git/config'), Buffer.from(`[core]\n\trepositoryformatversion = 0\n[filter "ev\xEFil"]\n\tclean = ${canary}\n`, 'latin1'))
  const project = createProject({ id: 'p', root, worker, maxFileBytes: 1000 })
  await t.rejects((await project.now()).git(), { code: 'CTX_001', message: 'The project could not be read (UNSAFE_FILTER).' })
  t.strictSame(await sprung(), [])
  const { ask } = await startSidecar(t, { root })
  t.match(await ask('GET', '/api/context/i-1/python-specialist'), { status: 500, body: { code: 'CTX_001', message: 'The project could not be read (UNSAFE_FILTER).' } })
  t.equal((await ask('GET', '/health/live')).status, 200)
  t.strictSame(await sprung(), [])
  await git(root, 'diff').catch(() => '')
  t.not((await sprung()).length, 0, 'git would have run it')
})

t.test('a work tree elsewhere shows nothing of it', async t => {
  const base = await temporaryFolder(t, 'cco-trap')
  await writeFiles(base, { 'outside/a.txt': 'OUTSIDE\n', 'outside/private.txt': 'OUTSIDE\n' })
  const root = join(base, 'root')
  await createRepository(root, { 'a.txt': 'inside\n' })
  await git(root, 'config', 'core.worktree', join(base, 'outside'))
  t.match(await git(root, 'diff', 'HEAD'), /OUTSIDE/, 'git itself would')
  const seen = await look(root)
  t.match(seen, /"path":"a\.txt"[^]*inside/)
  t.notMatch(seen, /OUTSIDE|private/)
})

t.test('a FIFO in the place of a branch does not hang the reader of all projects', async t => {
  const root = await temporaryFolder(t, 'cco-trap')
  await createRepository(root, { 'a.txt': 'inside\n' })
  await rm(join(root, '.git/refs/heads/main'))
  await run('mkfifo', [join(root, '.git/refs/heads/main')])
  const state = await createProject({ id: 'p', root, worker, maxFileBytes: 1000 }).now()
  t.strictSame(state.files.map(({ path }) => path), ['a.txt'])
})
