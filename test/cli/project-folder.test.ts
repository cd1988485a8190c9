import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfiguration } from '../../cli/configuration.js'
import { projectFolder, projectIdOf, repositoryAround } from '../../cli/project-folder.js'
import { stubTerminal } from './stub-terminal.js'

t.test('the project is the nearest folder upwards with .git, else the folder itself', async (t) => {
  const root = t.testdir({ repository: { '.git': {}, a: { b: {} }, worktree: { '.git': 'gitdir: ../x', c: {} } } })
  const repository = join(root, 'repository')
  t.equal(repositoryAround(join(repository, 'a', 'b')), repository)
  t.equal(repositoryAround(repository), repository)
  t.equal(repositoryAround(join(repository, 'worktree', 'c')), join(repository, 'worktree'), '.git may be a file')
  t.equal(repositoryAround('/'), '/')
})

t.test('a project that was named has to be a directory, and is taken as it is', async (t) => {
  const root = t.testdir({ '.git': {}, inner: {}, file: 'x' })
  t.equal(projectFolder('inner', root), join(root, 'inner'))
  t.throws(() => projectFolder('missing', root), { code: 'SIDECAR_ERR_PROJECT_INVALID', message: /missing does not exist; name an existing directory with --project\.$/ })
  t.throws(() => projectFolder('file', root), { code: 'SIDECAR_ERR_PROJECT_INVALID', message: /file is no directory/ })
  t.throws(() => projectFolder(join('file', 'below'), root), { code: 'SIDECAR_ERR_PROJECT_INVALID' })
})

t.test('a project id is the name of the folder, made to fit an identifier', async (t) => {
  const identifier = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
  const cases = { '/srv/shop': 'shop', '/a/My App (v2)': 'My-App-v2', '/a/Größe & Co': 'Grosse-Co', '/a/.dotfiles': 'dotfiles', '/a/世界': 'project', '/': 'project', '/a/_x_': 'x_' }
  for (const [folder, id] of Object.entries(cases)) t.equal(projectIdOf(folder), id, folder)
  for (const folder of [...Object.keys(cases), `/a/${'x'.repeat(300)}`, '/a/--', '/a/é…']) t.match(projectIdOf(folder), identifier, folder)
})

t.test('the project of a flag wins over the environment, and both over the working directory', async (t) => {
  const home = t.testdir({ one: {}, two: {}, three: { '.git': {} } })
  const terminal = stubTerminal({ cwd: join(home, 'three'), env: { HOME: home, CCO_SIDECAR_PROJECT: join(home, 'two') } })
  t.equal((await loadConfiguration({ project: '../one' }, terminal)).root, join(home, 'one'))
  t.equal((await loadConfiguration({}, terminal)).root, join(home, 'two'))
  t.equal((await loadConfiguration({}, { ...terminal, env: { HOME: home } })).root, join(home, 'three'))
})

t.test('a project that only the user\'s file names brings its own configuration along', async (t) => {
  const home = t.testdir({
    named: { '.cco': { 'config.json': '{"sidecar": {"log_level": "debug"}}' } },
    here: { '.git': {}, '.cco': { 'config.json': '{"sidecar": {"log_level": "error"}}' } }
  })
  mkdirSync(join(home, '.cco'))
  writeFileSync(join(home, '.cco', 'config.json'), JSON.stringify({ sidecar: { project: join(home, 'named') } }))
  const config = await loadConfiguration({}, stubTerminal({ cwd: join(home, 'here'), env: { HOME: home } }))
  t.equal(config.root, join(home, 'named'))
  t.equal(config.settings.log_level, 'debug')
})

t.test('a file that was named wins over the project\'s, and its path is relative to the working directory', async (t) => {
  const home = t.testdir({ 'other.json': '{"sidecar": {"port": 4000}}' })
  const terminal = stubTerminal({ cwd: home, env: { HOME: home } })
  t.equal((await loadConfiguration({}, terminal, 'other.json')).settings.port, 4000)
  await t.rejects(loadConfiguration({}, terminal, 'missing.json'), { code: 'SIDECAR_ERR_CONFIG_UNREADABLE' })
})
