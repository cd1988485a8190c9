import { relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { endOf } from './groups.js'

/**
 * Runs the test files of its arguments one after the other in this process, each as a test of that name: `t` of tap means
 * the test of the file that was loaded last. Loading Node, tap and the server takes longer than most of them.
 * A comment tells the end of each.
 */
const files = process.argv.splice(2)
// After that, because tap takes the arguments for a part of its name.
const { default: t } = await import('tap')
const test = t.test.bind(t)
let file: Test = t

Object.assign(t, {
  test: ((...args: [string, () => void]) => file.test(...args)) as typeof test,
  teardown: ((handler) => file.teardown(handler)) as typeof t.teardown,
  before: ((handler) => file.before(handler)) as typeof t.before,
  beforeEach: ((handler) => file.beforeEach(handler)) as typeof t.beforeEach,
  after: ((handler) => file.after(handler)) as typeof t.after,
  afterEach: ((handler) => file.afterEach(handler)) as typeof t.afterEach,
  testdir: ((content) => file.testdir(content)) as typeof t.testdir,
  equal: ((found, wanted, ...more) => file.equal(found, wanted, ...more)) as typeof t.equal
})

for (const path of files) {
  const name = relative(PACKAGE_ROOT, path)
  // The folder that the file would have alone. When the process ends early tap gives every file an end, but nothing is told any more.
  test(name, { testdir: resolve('.tap', 'fixtures', name.replaceAll(/[^\w.-]+/g, '-')) }, async (t) => {
    file = t
    await import(pathToFileURL(path).href)
  }).then(() => t.comment(endOf(name)), () => {})
}
