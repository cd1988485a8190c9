import { languageOf, PROGRAMMING_LANGUAGES } from '../../core/project/languages.js'

const TEST_FOLDERS = new Set([
  'test', 'tests', '__tests__', 'spec', 'specs', '__specs__', 'fixture', 'fixtures', '__fixtures__', 'testdata', 'test-data', 'mocks', '__mocks__',
  '__snapshots__', 'e2e', 'integration-tests', 'type-tests'
])
const TEST_NAME = /[._-](?:test|tests|spec|specs|test-d|e2e)\.\w+$|^test_.*\.\w+$|^(?:test|tests|conftest)\.\w+$|(?:Test|Tests|TestCase|IT|Spec)\.(?:java|kt|kts|scala|groovy|cs|php|swift)$|^Test[A-Z]\w*\.(?:java|kt)$/
/** Dependencies, named in a programming language. */
const MANIFEST = /(?:^|\/)(?:go\.mod|gemfile|podfile|package\.swift|[^/]+\.gradle(?:\.kts)?)$/i
/** What a tool has written, or somebody else. */
const NOT_WRITTEN_HERE = /(?:^|\/)(?:node_modules|vendor|third[_-]party|dist)\/|\.min\.\w+$|\.(?:pb|generated|g)\.\w+$|\.ipynb$/

export function isTest (path: string): boolean {
  const folders = path.split('/')
  const name = folders.pop()!
  return folders.some((folder) => TEST_FOLDERS.has(folder.toLowerCase())) || TEST_NAME.test(name)
}

/** Whether somebody writes programs in this file, tests left aside. */
export function isSource (path: string): boolean {
  const language = languageOf(path)
  return language !== undefined && PROGRAMMING_LANGUAGES.has(language) && !isTest(path) && !MANIFEST.test(path) && !NOT_WRITTEN_HERE.test(path)
}
