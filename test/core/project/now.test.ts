import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createProject, type Project } from '../../../core/project/project.js'
import { createProjectWorker } from '../../../core/project/worker/client.js'
import { silentLog } from '../../../core/testing/index.js'
import { createRepository } from '../../support/repository.js'
import { temporaryFolder } from '../../support/temporary.js'

async function start (t: Test, watch: false | object, files: Record<string, string> = {}): Promise<{ root: string, project: Project }> {
  const root = join(await temporaryFolder(t, 'cco-now'), 'root')
  await createRepository(root, { 'a.txt': 'a\n', '.gitignore': 'coverage\njunit.xml\ntarget\n', ...files })
  const worker = createProjectWorker()
  t.teardown(async () => await worker.close())
  const project = createProject({ id: 'p', root, worker, maxFileBytes: 1000, log: silentLog, watch })
  await project.now()
  // Until all is watched, each call looks at everything.
  await wait(100)
  await project.now()
  return { root, project }
}

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

t.test('those who ask at once where nothing happened are answered by one look', async t => {
  const { project } = await start(t, {})
  const asked = Array.from({ length: 5 }, () => project.now())
  t.equal(new Set(asked).size, 1)
  const [state] = await Promise.all(asked)
  t.not(project.now(), asked[0])
  t.equal(await project.now(), state)
})

t.test('who asks after an edit is not answered by the look of those who asked before', async t => {
  const { root, project } = await start(t, {})
  for (let round = 0; round < 60; round++) {
    const before = project.now()
    // At every point of a look: before the system is heard, between its two turns, and after.
    for (let turns = 0; turns < round % 4; turns++) await turn()
    const text = `round ${round}\n`
    writeFileSync(join(root, 'a.txt'), text)
    t.equal(await (await project.now()).read('a.txt'), text)
    await before
  }
})

for (const watch of [{}, false] as const) {
  t.test(`reports that git ignores are part of a state ${watch === false ? 'without' : 'with'} a watch`, async t => {
    const { root, project } = await start(t, watch)
    const seen = new Set([(await project.now()).fingerprint])
    const look = async (what: string): Promise<void> => {
      const { fingerprint } = await project.now()
      t.notOk(seen.has(fingerprint), what)
      seen.add(fingerprint)
      t.equal((await project.now()).fingerprint, fingerprint)
    }
    const report = join(root, 'coverage/lcov.info')
    mkdirSync(join(root, 'coverage'))
    await project.now()
    writeFileSync(report, 'LF:1\n')
    await look('written')
    writeFileSync(report, 'LF:10\n')
    await look('written again')
    renameSync(join(root, 'coverage'), join(root, 'target'))
    const { fingerprint } = await project.now()
    t.not(fingerprint, [...seen].at(-1), 'gone')
    renameSync(join(root, 'target'), join(root, 'coverage'))
    t.equal((await project.now()).fingerprint, [...seen].at(-1), 'back')
    writeFileSync(join(root, 'junit.xml'), '<testsuite/>')
    await look('one in the root')
    rmSync(join(root, 'junit.xml'))
    rmSync(join(root, 'coverage'), { recursive: true })
    t.ok(seen.has((await project.now()).fingerprint), 'as in the beginning')
  })
}

t.test('a report that git ignores is seen below a folder with files of the project, wherever on its way there something was missing', async t => {
  const { root, project } = await start(t, {}, { 'build/tool.txt': 'x\n', '.gitignore': 'reports\n' })
  const folders = ['build/reports', 'build/reports/jacoco', 'build/reports/jacoco/test']
  const report = join(root, folders.at(-1)!, 'jacocoTestReport.xml')
  const { fingerprint } = await project.now()
  for (const folder of folders) {
    mkdirSync(join(root, folder))
    t.equal((await project.now()).fingerprint, fingerprint, folder)
  }
  writeFileSync(report, '<report/>')
  t.not((await project.now()).fingerprint, fingerprint)
  rmSync(join(root, folders[0]!), { recursive: true })
  t.equal((await project.now()).fingerprint, fingerprint)
  mkdirSync(join(root, folders.at(-1)!), { recursive: true })
  writeFileSync(report, '<report/>')
  t.not((await project.now()).fingerprint, fingerprint, 'all at once')
})

t.test('a file that is called as a folder of reports would be is no fault', async t => {
  const { project } = await start(t, {}, { build: 'x\n', target: 'x\n' })
  t.strictSame((await project.now()).files.map(({ path }) => path).filter((path) => path === 'build'), ['build'])
})
